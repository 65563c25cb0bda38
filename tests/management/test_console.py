"""The console in a real browser: log-in, pages, what is done on them, themes, and that no secret is within reach."""

import base64

import pytest

from tests.browser.chromium import Chromium
from tests.management.api import Api
from tests.management.console import Console
from tests.support.broker_process import BrokerProcess

pytestmark = pytest.mark.timeout(180)

EVIL = "<img src=x onerror=alert(1)>"


def test_a_log_in_that_is_wrong_says_so_and_one_that_is_right_leaves_nothing_to_steal(
    browser: Chromium, broker: BrokerProcess
) -> None:
    """RabbitMQ's page kept the password where every script could read it."""
    console = Console(browser, broker.ports["management"])
    console.open()
    console.wait("document.querySelector('input[name=password]')")
    console.fill("input[name=username]", "guest")
    console.fill("input[name=password]", "wrong")
    console.click("Log in")
    console.wait_text("That did not work")
    console.picture("login")
    console.fill("input[name=password]", "guest")
    console.click("Log in")
    console.wait("document.querySelector('dl.figures')")
    assert browser.evaluate("document.cookie") == ""
    assert set(browser.evaluate("Object.keys(localStorage)")) <= {"theme", "refresh"}
    console.click("Log out")
    console.wait("document.querySelector('input[name=password]')")
    asked = "fetch('api/whoami', {headers: {'X-Requested-With': 'x'}}).then((answer) => answer.status)"
    assert browser.evaluate(asked) == 401


def test_the_overview_shows_numbers_and_charts(console: Console) -> None:
    """A page that loads nothing from elsewhere, and has no part that the policy forbids."""
    console.wait("document.querySelectorAll('svg.chart').length === 4")
    console.wait_text("Listeners")
    console.picture("overview")
    resources = console.browser.evaluate("performance.getEntriesByType('resource').map((each) => each.name)")
    assert resources
    assert all(name.startswith(console.url) for name in resources)


def test_queues_are_found_sorted_and_declared(console: Console, api: Api) -> None:
    """A queue among many, by part of its name, in three keys and a word."""
    api.put("vhosts/many")
    api.post("definitions", {"queues": [
        {"name": f"queue-{number}", "vhost": "many", "durable": True, "auto_delete": False, "arguments": {}}
        for number in range(120)
    ]})  # fmt: skip
    console.go("/queues", "Queues")
    console.wait("document.querySelectorAll('tbody tr').length === 50")
    console.browser.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: '/', bubbles: true}))")
    assert console.browser.evaluate("document.activeElement.id") == "search"
    console.fill("#search", "queue-11")
    console.wait("document.querySelectorAll('tbody tr').length === 11")
    assert "name=queue-11" in console.browser.evaluate("location.hash")
    api.publish("queue-111", vhost="many")
    console.click("Ready")
    console.wait("document.querySelector('tbody th').textContent === 'queue-111'")
    assert console.browser.evaluate("document.querySelector('th[aria-sort]').getAttribute('aria-sort')") == "descending"
    console.picture("queues")
    console.fill("details.panel input[name=name]", "declared-here")
    console.click("Declare")
    console.wait_text("Queue declared-here was declared.")
    assert api.get("queues/%2F/declared-here")["durable"] is True


def test_messages_are_published_looked_at_moved_and_purged(console: Console, api: Api) -> None:
    """Looking requeued messages and marked them; here it takes nothing."""
    api.put("queues/%2F/seen", {"durable": True})
    api.put("queues/%2F/elsewhere", {"durable": True})
    console.go("/queue/%2F/seen", "Queue seen")
    console.fill("textarea[name=payload]", '{"order": 7}')
    console.click("Publish")
    console.wait_text("The message was published.")
    console.wait_text('"order": 7')
    api.publish("seen", EVIL, headers={"x": EVIL})
    octets = base64.b64encode(
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcbH\xcd\xc9\xc9\x07\x00\x86\xa6\x106\x05\x00\x00\x00"
    )
    body = {"properties": {}, "routing_key": "seen", "payload": octets.decode(), "payload_encoding": "base64"}
    api.post("exchanges/%2F/amq.default/publish", body)
    console.go("/queue/%2F/seen?form=text", "Queue seen")
    console.wait_text(EVIL)
    console.wait_text("gzip, unpacked:")
    console.wait_text("hello")
    assert console.browser.evaluate("document.querySelectorAll('main img').length") == 0
    console.go("/queue/%2F/seen?form=hex", "Queue seen")
    console.wait_text("00000000  ")
    console.picture("queue")
    assert [each["redelivered"] for each in api.take("seen", 3, "ack_requeue_true")] == [False] * 3
    console.fill("input[name=destination]", "elsewhere")
    console.fill("input[name=count]", "2")
    console.click("Move")
    console.click("Move", "document.querySelector('dialog')")
    console.wait_text("2 messages were moved to elsewhere.")
    assert len(api.take("elsewhere", 9)) == 2
    console.click("Purge")
    console.picture("purge")
    assert console.browser.evaluate("document.querySelector('dialog button.bad').disabled") is True
    console.fill("dialog input", "seen")
    console.click("Purge", "document.querySelector('dialog')")
    console.wait_text("Queue seen was purged.")
    assert api.take("seen") == []
    console.click("Delete queue")
    console.fill("dialog input", "seen")
    console.click("Delete", "document.querySelector('dialog')")
    console.wait_text("Queue seen was deleted.")
    assert api.call("GET", "queues/%2F/seen").status == 404


def test_users_and_policies_are_added(console: Console, api: Api) -> None:
    """A user with permissions and tags, in one form."""
    console.go("/users", "Users")
    console.fill("details.panel input[name=name]", "paged")
    console.fill("details.panel input[name=password]", "secret")
    console.fill("details.panel input[name=tags]", "monitoring")
    console.fill("details.panel select[name=vhost]", "/")
    console.click("Declare")
    console.wait_text("User paged was added.")
    assert api.of("paged").get("whoami")["tags"] == ["monitoring"]
    assert api.get("permissions/%2F/paged")["read"] == ".*"
    console.picture("users")
    console.go("/policies", "Policies")
    console.fill("details.panel input[name=name]", "paged")
    console.fill("details.panel input[name=pattern]", "^paged")
    console.click("Declare")
    console.wait_text("Policy paged is in force.")
    assert api.get("policies/%2F/paged")["definition"] == {"max-length": 1000}
    for fragment, heading in (("/exchanges", "Exchanges"), ("/connections", "Connections"), ("/channels", "Channels"),
                              ("/definitions", "Definitions")):  # fmt: skip
        console.go(fragment, heading)


def test_what_a_user_may_not_see_is_not_offered(browser: Chromium, broker: BrokerProcess, api: Api) -> None:
    """Who is no administrator sees no users, and an error in words where something is refused."""
    api.add_user("watching", "monitoring")
    console = Console(browser, broker.ports["management"])
    console.log_in()
    console.click("Log out")
    console.wait("document.querySelector('input[name=password]')")
    console.log_in("watching", "secret")
    labels = browser.evaluate("[...document.querySelectorAll('nav a')].map((each) => each.textContent)")
    assert "Queues" in labels
    assert "Users" not in labels
    console.go("/users", "Users")
    console.wait_text("Not administrator user")
    console.click("Log out")
    console.wait("document.querySelector('input[name=password]')")


LUMINANCE = """(colour) => {
    const parts = colour.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_can_be_read_and_what_is_there_has_names(console: Console, theme: str) -> None:
    """WCAG AA: 4.5 to 1 for text; every control has a name, every table a caption and headers with their scope."""
    console.go("/overview", "Overview")
    console.fill("select[aria-label=Theme]", theme)
    console.picture(f"overview-{theme}")
    faults = console.browser.evaluate(
        f"""(() => {{
            const luminance = {LUMINANCE};
            const behind = (element) => {{
                for (let each = element; each; each = each.parentElement) {{
                    const colour = getComputedStyle(each).backgroundColor;
                    if (!/, 0\\)|transparent/.test(colour)) return colour;
                }}
                return "rgb(255, 255, 255)";
            }};
            const texts = "h1, h2, p, a, dt, dd, th, td, caption, button, label, footer span, figcaption span";
            return [...document.querySelectorAll(texts)]
                .filter((each) => each.textContent.trim() && each.getClientRects().length)
                .map((each) => {{
                    const [one, two] = [getComputedStyle(each).color, behind(each)].map(luminance);
                    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
                    return [contrast, each.tagName, each.textContent.slice(0, 40)];
                }})
                .filter((found) => found[0] < 4.5);
        }})()"""
    )
    assert faults == []
    console.go("/queues", "Queues")
    nameless = console.browser.evaluate(
        """[...document.querySelectorAll("input, select, textarea, button")]
            .filter((each) => !each.textContent.trim() && !each.labels?.length && !each.getAttribute("aria-label"))
            .map((each) => each.outerHTML)"""
    )
    assert nameless == []
    assert (
        console.browser.evaluate("document.querySelectorAll('table:not(:has(caption)), th:not([scope])').length") == 0
    )


def test_ten_thousand_queues_are_a_page_like_any_other(console: Console, api: Api) -> None:
    """Lists of thousands of queues took seconds elsewhere."""
    api.put("vhosts/crowd")
    queues = [
        {"name": f"crowd-{number:05d}", "vhost": "crowd", "durable": True, "auto_delete": False, "arguments": {}}
        for number in range(10_000)
    ]
    api.post("definitions", {"queues": queues})
    api.put("permissions/crowd/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    console.go("/queues?sort=messages&reverse=true", "Queues (10,")
    console.wait("document.querySelectorAll('tbody tr').length === 50")
    console.go("/queues?name=crowd-09999", "Queues (10,")
    console.wait("document.querySelectorAll('tbody tr').length === 1")
    console.picture("crowd")
    api.delete("vhosts/crowd")
