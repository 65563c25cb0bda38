"""The console's pages for one protocol each, and what is done with messages there, in a real browser."""

import base64
import json

import pytest

from tests.management.api import Api
from tests.management.console import Console
from tests.mqtt.paho_client import Paho
from tests.support.aws_clients import client
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(180)

ROWS = "document.querySelectorAll('tbody tr').length"


def test_a_wrong_move_is_undone(console: Console, api: Api) -> None:
    """Elsewhere messages that were moved to the wrong queue stay there."""
    for name in ("undo-here", "undo-there"):
        api.put(f"queues/%2F/{name}", {"durable": True})
    for number in range(3):
        api.publish("undo-here", f"body {number}")
    console.go("/queue/%2F/undo-here", "Queue undo-here")
    console.wait("document.querySelectorAll('td input[type=checkbox]').length === 3")
    console.browser.evaluate("document.querySelectorAll('td input[type=checkbox]')[1].click()")
    console.wait_text("1 chosen")
    console.fill("input[name=destination]", "undo-there")
    console.browser.evaluate("document.querySelector('input[name=only]').checked = true")
    console.click("Move")
    console.click("Move", "document.querySelector('dialog')")
    console.wait_text("1 messages were moved to undo-there.")
    assert [each["payload"] for each in api.take("undo-there", 9, "ack_requeue_true")] == ["body 1"]
    console.click("Undo")
    console.wait_text("1 messages are back in undo-here.")
    assert len(api.take("undo-here", 9, "ack_requeue_true")) == 3
    console.click("Delete")
    console.click("Delete", "document.querySelector('dialog')")
    console.wait_text("The message is gone.")
    assert len(api.take("undo-here", 9, "ack_requeue_true")) == 2


def test_dead_letters_say_why_and_go_back(console: Console, api: Api) -> None:
    """Reason and source of a dead letter were in a header that nobody reads."""
    api.put("queues/%2F/dead-here", {"durable": True})
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead-here"}
    api.put("queues/%2F/died-here", {"durable": True, "arguments": arguments})
    api.publish("died-here", "letter")
    api.take("died-here", 1, "reject_requeue_false")
    console.go("/queue/%2F/dead-here", "Queue dead-here")
    console.wait_text("rejected in died-here")
    console.picture("dead-letters")
    console.click("Redrive dead letters")
    console.click("Redrive", "document.querySelector('dialog')")
    console.wait_text("1 went back.")
    assert [each["payload"] for each in api.take("died-here", 1, "ack_requeue_true")] == ["letter"]
    console.click("Undo")
    console.wait_text("1 messages are back in dead-here.")


def test_binary_payloads_are_read(console: Console, api: Api) -> None:
    """CBOR and MessagePack were garbage on the screen."""
    api.put("queues/%2F/binary", {"durable": True})
    cbor = bytes.fromhex("a3646e616d65656d657465726576616c7565f94900647461677382f520")
    msgpack = bytes.fromhex("82a46b696e64a34c4544a16ecd012c")
    for octets in (cbor, msgpack, b"\xa1\x64cut", bytes(range(24))):
        body = {"properties": {}, "routing_key": "binary", "payload": base64.b64encode(octets).decode(),
                "payload_encoding": "base64"}  # fmt: skip
        api.post("exchanges/%2F/amq.default/publish", body)
    console.go("/queue/%2F/binary", "Queue binary")
    console.wait(f"{ROWS} > 4")
    read = "[...document.querySelectorAll('pre.payload')].map((each) => each.textContent)"
    console.wait(f"!{read}.includes('…')")
    texts = console.browser.evaluate(read)
    assert json.loads(texts[0]) == {"name": "meter", "value": 10, "tags": [True, -1]}
    assert json.loads(texts[1]) == {"kind": "LED", "n": 300}
    assert texts[2].startswith("00000000  a1 64 63 75 74")
    assert texts[3].startswith("00000000  00 01 02")
    console.go("/queue/%2F/binary?form=cbor", "Queue binary")
    console.wait_text("This is no CBOR.")


def test_clients_of_mqtt_and_what_is_retained(console: Console, broker: BrokerProcess, api: Api) -> None:
    """A client by its id, its subscriptions, and the tree of retained topics, of which a branch is cleared."""
    with Paho(broker.ports["mqtt"], "shown-client", 5, expiry_s=600) as meter:
        meter.client.subscribe("house/+/state", qos=1)
        meter.event("subscribed")
        for topic in ("house/kitchen/state", "house/hall/state", "house/hall/door"):
            meter.client.publish(topic, json.dumps({"at": topic}), qos=1, retain=True)
            meter.event("published")
        console.go("/mqtt?name=shown", "MQTT sessions")
        console.wait_text("shown-client")
        console.picture("mqtt")
        console.click("shown-client")
        console.wait_text("house/+/state")
        console.picture("mqtt-session")
        console.go("/retained", "Retained topics")
        console.click("house/")
        console.click("hall/")
        console.wait_text("door")
        console.browser.evaluate("document.querySelectorAll('tbody button')[0].click()")
        console.wait_text('"at": "house/hall/door"')
        console.picture("retained")
        console.go("/retained?level=house", "Retained topics")
        console.click("Clear the branch")
        console.fill("dialog input", "house/hall")
        console.click("Clear", "document.querySelector('dialog')")
        console.wait_text("2 retained messages are gone.")
    console.go("/mqtt-session/%2F/shown-client", "MQTT session shown-client")
    console.wait_text("away")
    console.click("End the session")
    console.fill("dialog input", "shown-client")
    console.click("End it", "document.querySelector('dialog')")
    console.wait_text("The session of shown-client has ended.")


def test_queues_and_topics_of_aws(console: Console, broker: BrokerProcess) -> None:
    """Attributes, in flight, a redrive with its end; subscriptions, and who would get a message."""
    sqs, sns = client(broker, "sqs"), client(broker, "sns")
    dead = sqs.create_queue(QueueName="page-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    sqs.create_queue(QueueName="page-live", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=dead, MessageBody="dead")
    console.go("/sqs", "SQS queues")
    console.wait_text("page-dead after 1")
    console.picture("sqs")
    console.click("page-dead")
    console.wait_text("It is the dead-letter queue of page-live.")
    console.fill("input[name=destination]", "page-live")
    console.click("Begin")
    console.wait_text("COMPLETED")
    console.picture("sqs-queue")
    topic = sns.create_topic(Name="page-topic")["TopicArn"]
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": json.dumps({"colour": ["red"]})}
    )
    console.go("/sns-topic/%2F/page-topic", "SNS topic page-topic")
    console.fill("input[name=attributes]", '{"colour": "blue"}')
    console.click("Try")
    console.wait_text("0 of 1 subscriptions would get it; nothing was sent.")
    console.fill("input[name=attributes]", '{"colour": "red"}')
    console.click("Try")
    console.wait_text("1 of 1 subscriptions would get it; nothing was sent.")
    console.picture("sns-topic")


def test_bindings_are_made_seen_from_both_ends_and_taken_back(console: Console, api: Api) -> None:
    """A binding could only be seen from one side."""
    api.put("exchanges/%2F/bound-exchange", {"type": "topic", "durable": True})
    api.put("queues/%2F/bound-queue", {"durable": True})
    console.go("/exchange/%2F/bound-exchange", "Exchange bound-exchange")
    console.fill("details.panel input[name=name]", "bound-queue")
    console.fill("details.panel input[name=key]", "a/b.#")
    console.click("Bind")
    console.wait_text("bound-queue is bound to bound-exchange.")
    console.click("bound-queue")
    console.wait("document.querySelector('h1')?.textContent === 'Queue bound-queue in /'")
    console.wait_text("a/b.#")
    console.click("Unbind")
    console.click("Unbind", "document.querySelector('dialog')")
    console.wait_text("The binding is gone.")
    assert len(api.get("queues/%2F/bound-queue/bindings")) == 1
    console.click("Undo")
    console.wait_text("The binding is there again.")
    assert len(api.get("queues/%2F/bound-queue/bindings")) == 2


def test_a_policy_shows_what_it_would_be_for(console: Console, api: Api) -> None:
    """A pattern hit what its author had not thought of."""
    api.put("queues/%2F/previewed-1", {"durable": True})
    console.go("/policies", "Policies")
    console.fill("details.panel input[name=pattern]", "^previewed")
    console.wait_text("It would be for 1 queues (previewed-1) and 0 exchanges.")


def test_events_and_the_log_are_followed(console: Console, api: Api) -> None:
    """Who wanted to know what happens had to read files on the machine."""
    console.go("/events?text=followed-by-page", "Events")
    console.wait_text("following")
    api.put("queues/%2F/followed-by-page", {"durable": True})
    console.wait_text("queue.created")
    console.picture("events")
    console.go("/log", "Log")
    console.wait_text("following")
    console.picture("log")
    console.go("/pair", "Node")
    console.wait_text("This node is alone")


def test_rows_and_pages_are_reached_by_keys(console: Console, api: Api) -> None:
    """A page that needs a mouse is closed to some."""
    for number in range(3):
        api.put(f"queues/%2F/by-keys-{number}", {"durable": True})
    console.go("/overview", "Overview")
    console.key("g")
    console.key("q")
    console.wait("document.querySelector('h1')?.textContent.startsWith('Queues')")
    console.fill("#search", "by-keys")
    console.wait(f"{ROWS} === 3")
    console.key("j")
    console.key("j")
    assert console.browser.evaluate("document.activeElement.querySelector('th').textContent") == "by-keys-1"
    console.key("k")
    console.key("Enter")
    console.wait("document.querySelector('h1')?.textContent.startsWith('Queue by-keys-0')")
    console.key("?")
    console.wait("document.querySelector('dialog[open] dl.keys')")
    console.click("Close")


PAGES = ("overview", "queues", "exchanges", "connections", "channels", "mqtt", "retained", "sqs", "sns", "policies",
         "users", "definitions", "pair", "trace", "events", "audit", "log", "queue/%2F/swept",
         "exchange/%2F/amq.topic")  # fmt: skip

FAULTS = """(() => {
    const texts = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) if (walk.currentNode.textContent.trim()) texts.push(walk.currentNode.parentElement);
    const luminance = (colour) => {
        const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
            .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
    };
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (!/, 0\\)|transparent/.test(colour)) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const faint = [...new Set(texts)]
        .filter((each) => each.getClientRects().length && !each.closest("button:disabled, option, noscript"))
        .map((each) => {
            const [one, two] = [getComputedStyle(each).color, behind(each)].map(luminance);
            const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
            return [contrast, each.tagName, each.textContent.slice(0, 40)];
        })
        .filter((found) => found[0] < 4.5);
    const nameless = [...document.querySelectorAll("input, select, textarea, button, a, progress")]
        .filter((each) => !each.textContent.trim() && !each.labels?.length && !each.getAttribute("aria-label"))
        .map((each) => each.outerHTML);
    const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    const bare = [...document.querySelectorAll("table:not(:has(caption)), th:not([scope]), img:not([alt])")]
        .map((each) => each.outerHTML);
    const wide = document.documentElement.scrollWidth > innerWidth + 1 ? [document.documentElement.scrollWidth] : [];
    return [...faint, ...nameless, ...twice, ...bare, ...wide];
})()"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_has_what_somebody_cannot_read_or_use(console: Console, api: Api, theme: str) -> None:
    """WCAG AA: contrast of all text, names of controls, captions and scopes of tables; all of it on a phone too."""
    api.put("queues/%2F/swept", {"durable": True})
    api.publish("swept", "x", headers={"a": 1})
    console.browser.evaluate(
        "void document.addEventListener('securitypolicyviolation', (event) => { window.violated = event.blockedURI; })"
    )
    console.fill("select[aria-label=Theme]", theme)
    for page in PAGES:
        console.browser.evaluate("document.querySelector('h1').textContent = 'before'")
        console.browser.evaluate(f"void (location.hash = '/{page}')")
        console.wait("document.querySelector('h1') && document.querySelector('h1').textContent !== 'before'")
        assert console.browser.evaluate(FAULTS) == [], page
        console.size(390, 800)
        assert console.browser.evaluate(FAULTS) == [], page
        console.size(1440, 900)
    assert console.browser.evaluate("window.violated ?? null") is None
    console.picture(f"log-{theme}")
