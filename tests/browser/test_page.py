"""MQTT.js and an AMQP client exchange messages through the broker, in one page of a real browser."""

import json
from collections.abc import Iterator

import pytest

from tests.browser.chromium import Chromium
from tests.clients import node_modules
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(3 * node_modules.RUN_TIMEOUT_S)


@pytest.fixture(scope="module")
def broker(site: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """A broker that only pages from http://127.0.0.1 may connect to."""
    config = f'[websocket]\norigins = ["http://127.0.0.1:{site}"]\n'
    data_dir = tmp_path_factory.mktemp("browser") / "data"
    with BrokerProcess(data_dir, "--dev", "--durability", "write", schemes=("ws",), config=config) as running:
        yield running


def connect(browser: Chromium, broker: BrokerProcess) -> str:
    """Fills the form in and submits it; how the page's status ends."""
    address = f"ws://127.0.0.1:{broker.ports['ws']}"
    return str(
        browser.evaluate(
            f"""new Promise((resolve) => {{
                const status = document.querySelector("#status");
                new MutationObserver(() => {{
                    if (status.textContent !== "connecting") resolve(status.textContent);
                }}).observe(status, {{childList: true}});
                const form = document.querySelector("#settings");
                form.elements.mqtt.value = "{address}/mqtt";
                form.elements.amqp.value = "{address}/ws/amqp";
                form.requestSubmit();
            }})"""
        )
    )


def publish(browser: Chromium, side: str, text: str) -> None:
    browser.evaluate(
        f"""(() => {{
            const form = document.querySelector("#{side} form");
            form.elements.text.value = {json.dumps(text)};
            form.requestSubmit();
        }})()"""
    )


def lines(browser: Chromium, side: str, count: int) -> list[str]:
    """What a side has received, once it is `count` messages."""
    found = browser.evaluate(
        f"""new Promise((resolve) => {{
            const list = document.querySelector("#{side} ul");
            const look = () => {{
                if (list.children.length >= {count}) resolve([...list.children].map((line) => line.textContent));
            }};
            new MutationObserver(look).observe(list, {{childList: true}});
            look();
        }})"""
    )
    return [str(line) for line in found]


def test_both_clients_get_what_either_publishes_with_its_properties(
    site: int, broker: BrokerProcess, browser: Chromium
) -> None:
    browser.open(f"http://127.0.0.1:{site}/page.html")
    assert connect(browser, broker) == "connected"
    publish(browser, "mqtt", "grüße von MQTT")
    from_mqtt = "grüße von MQTT (from MQTT, text/plain)"
    assert lines(browser, "amqp", 1) == lines(browser, "mqtt", 1) == [from_mqtt]
    publish(browser, "amqp", "grüße von AMQP")
    from_amqp = "grüße von AMQP (from AMQP, text/plain)"
    assert lines(browser, "mqtt", 2) == lines(browser, "amqp", 2) == [from_mqtt, from_amqp]


def test_a_page_of_another_origin_is_not_let_in(site: int, broker: BrokerProcess, browser: Chromium) -> None:
    browser.open(f"http://localhost:{site}/page.html")
    assert connect(browser, broker) == "failed: the broker closed the connection, or is not there"
    assert "HTTP 403" in broker.log()
