"""How the console feels with very many queues: `python -m bench.console --queues 10000`.

A headless Chromium opens the list of queues of a broker that has so many, and stays there for some seconds, while the
page refreshes itself and somebody searches. Printed is when the page was first painted and when it showed queues, both
from the navigation on, and the longest time between two frames meanwhile: the median of several times.
"""

import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bench.driver.jobs import Endpoint
from bench.scenarios.management import make_queues
from tests.browser.chromium import Chromium
from tests.management.console import Console
from tests.support.broker_process import BrokerProcess

SCHEMES = ("amqp", "management")
FOUND = 10  # queue-00120 to queue-00129
_LIST = "#/queues?sort=messages&reverse=true"
_HAS_ROWS = "document.querySelectorAll('tbody tr').length > 1"

# Before anything of the page runs: the frames from the first one on, and when there were rows.
_WATCH = f"""
    window.benchFrames = [];
    window.benchRows = 0;
    const frame = (at) => {{
        window.benchFrames.push(at);
        if (!window.benchRows && document.body && {_HAS_ROWS}) window.benchRows = performance.now();
        requestAnimationFrame(frame);
    }};
    requestAnimationFrame(frame);
"""
_SEARCH = """
    new Promise((resolve) => {
        setTimeout(() => {
            const field = document.querySelector("#search");
            field.value = "queue-0012";
            field.dispatchEvent(new Event("change", {bubbles: true}));
            setTimeout(() => resolve(document.querySelectorAll("tbody tr").length), REST_MS);
        }, REST_MS);
    })
"""
_RESULT = """
    (() => {
        const paint = performance.getEntriesByName("first-contentful-paint")[0];
        const frames = window.benchFrames.filter((at) => at > window.benchRows);
        const gaps = frames.slice(1).map((at, place) => at - frames[place]);
        return {paint: paint ? paint.startTime : NaN, rows: window.benchRows, longest: Math.max(...gaps),
                frames: frames.length};
    })()
"""


@contextmanager
def _broker(python: str, queues: int, folder: Path) -> Iterator[BrokerProcess]:
    """A broker with that many queues."""
    with BrokerProcess(folder / "data", "--dev", schemes=SCHEMES, python=Path(python)) as broker:
        make_queues(Endpoint("http", "127.0.0.1", broker.ports["management"]), "/", queues)
        yield broker


def _look(console: Console, rest_ms: int) -> dict[str, Any]:
    """Opens the list in a window of its own and stays there."""
    browser = console.browser
    browser.open("about:blank")
    browser.call("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
    browser.call("Page.navigate", url=f"{console.url}{_LIST}")
    console.wait("window.benchRows")
    assert browser.evaluate(_SEARCH.replace("REST_MS", str(rest_ms))) == FOUND
    found = browser.evaluate(_RESULT)
    assert isinstance(found, dict)
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--queues", type=int, default=10_000, show_default=True)
@click.option("--seconds", type=float, default=10.0, show_default=True, help="How long the page is looked at.")
@click.option("--repetitions", type=int, default=5, show_default=True)
@click.option("--python", default=sys.executable, help="The interpreter of the broker  [default: this one]")
@click.option("--chromium", default="chromium", show_default=True, help="The browser's program.")
def main(queues: int, seconds: float, repetitions: int, python: str, chromium: str) -> None:
    """Measure the console's list of queues in a browser."""
    program = shutil.which(chromium)
    if program is None:
        raise click.ClickException(f"there is no {chromium}")
    with tempfile.TemporaryDirectory(prefix="mqbroker-console-") as name:
        folder = Path(name)
        with _broker(python, queues, folder) as broker, Chromium(program, folder / "profile") as browser:
            console = Console(browser, broker.ports["management"])
            console.log_in()
            looks = [_look(console, int(seconds * 500)) for _ in range(repetitions)]
    for each in looks:
        click.echo(json.dumps({key: round(value, 1) for key, value in each.items()}))
    middle = {key: statistics.median(look[key] for look in looks) for key in looks[0]}
    worst = max(each["longest"] for each in looks)
    click.echo(
        f"{queues} queues: first paint {middle['paint']:.0f} ms, rows {middle['rows']:.0f} ms, "
        f"longest time between frames {middle['longest']:.0f} ms (worst {worst:.0f} ms)"
    )


if __name__ == "__main__":
    main()
