"""A page from anywhere, in a real browser, beside a broker for development: whatever it tries, nothing comes of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.aws.sqs.conftest import client
from tests.browser.chromium import Chromium
from tests.clients import node_modules
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    data_dir = tmp_path_factory.mktemp("strange") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=("ws", "aws")) as running:
        yield running


@pytest.fixture
def queues(broker: BrokerProcess) -> Iterator[Any]:
    """The queues that there are, when it is called."""
    sqs = client(broker)
    yield lambda: sqs.list_queues().get("QueueUrls", [])
    sqs.close()


def settled(browser: Chromium, promise: str) -> Any:
    """What a promise in the page comes to: its value, or "refused"."""
    return browser.evaluate(f"({promise}).catch(() => 'refused')")


CREATE = "Action=CreateQueue&QueueName=theirs"
TRIES = {
    "a form": 'fetch(URL, {method: "POST", mode: "no-cors", body: new URLSearchParams("ASK")})',
    "a link": 'fetch(URL + "?ASK", {mode: "no-cors"})',
    "an image": 'new Promise((end) => { const i = new Image(); i.onload = i.onerror = end; i.src = URL + "?ASK"; })',
    "a signature": 'fetch(URL + "?ASK&X-Amz-Credential=test&X-Amz-Signature=0", {mode: "no-cors"})',
    "json": """fetch(URL, {
        method: "POST",
        headers: {"X-Amz-Target": "AmazonSQS.CreateQueue", "Content-Type": "application/x-amz-json-1.0"},
        body: JSON.stringify({QueueName: "theirs"}),
    })""",
}


def attempts(name: str, url: str) -> str:
    return f"{TRIES[name]}.then(() => 1)".replace("URL", f'"{url}"', 1).replace("ASK", CREATE)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("attempt", TRIES)
def test_a_page_of_another_site_calls_in_vain(
    site: int, broker: BrokerProcess, browser: Chromium, queues: Any, attempt: str, host: str
) -> None:
    """The bug: with --dev any page that somebody opened could send messages and empty queues as root."""
    browser.open(f"http://shop.example:{site}/page.html")
    url = f"http://{host}:{broker.ports['aws']}/"
    settled(browser, attempts(attempt, url))
    assert queues() == []


def test_a_page_whose_host_was_made_to_stand_for_this_machine_calls_in_vain(
    broker: BrokerProcess, browser: Chromium, queues: Any
) -> None:
    origin = f"http://shop.example:{broker.ports['aws']}"
    browser.open(f"{origin}/health")
    for fetch in (
        f'fetch("/?{CREATE}", {{headers: {{Authorization: "AWS4-HMAC-SHA256 Credential=test"}}}})',
        f'fetch("/", {{method: "POST", body: new URLSearchParams("{CREATE}")}})',
        'fetch("/_mqbroker/metrics")',
    ):
        assert settled(browser, f"{fetch}.then((answer) => answer.status)") == 403
    assert queues() == []


def test_a_page_of_another_site_opens_no_websocket(site: int, broker: BrokerProcess, browser: Chromium) -> None:
    browser.open(f"http://shop.example:{site}/page.html")
    opened = browser.evaluate(
        f"""new Promise((resolve) => {{
            const socket = new WebSocket("ws://127.0.0.1:{broker.ports["ws"]}/mqtt", "mqtt");
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("refused");
        }})"""
    )
    assert opened == "refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_of_this_machine_calls_and_reads_the_answer(
    site: int, broker: BrokerProcess, browser: Chromium, host: str
) -> None:
    browser.open(f"http://{host}:{site}/page.html")
    script = f"""fetch("http://127.0.0.1:{broker.ports["aws"]}/", {{
        method: "POST",
        headers: {{
            "X-Amz-Target": "AmazonSQS.GetQueueUrl", "Content-Type": "application/x-amz-json-1.0",
            Authorization: "AWS4-HMAC-SHA256 Credential=test",
        }},
        body: JSON.stringify({{QueueName: "none"}}),
    }}).then((answer) => answer.status + " " + answer.headers.get("x-amzn-query-error"))"""
    assert browser.evaluate(script) == "400 AWS.SimpleQueueService.NonExistentQueue;Sender"
