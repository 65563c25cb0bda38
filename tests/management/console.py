"""A person at the console in a real browser: sees what the page shows, and uses its controls as people do."""

import base64
import json
import os
from pathlib import Path

from tests.browser.chromium import Chromium

WAIT_MS = 20_000
PICTURES = os.environ.get("MQBROKER_TEST_PICTURES", "")
"""A folder for screenshots, for whoever wants to look at them."""


class Console:
    """One page of the browser."""

    def __init__(self, browser: Chromium, port: int) -> None:
        self.browser = browser
        self.url = f"http://127.0.0.1:{port}/"

    def open(self, fragment: str = "") -> None:
        """Opens the page anew."""
        self.browser.open(f"{self.url}{fragment}")
        self.size(1440, 900)

    def size(self, width: int, height: int) -> None:
        """Gives the window a size."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.call("Emulation.setDeviceMetricsOverride", **metrics)

    def wait(self, condition: str) -> None:
        """Waits until a JavaScript expression is true."""
        script = f"""new Promise((resolve, reject) => {{
            const end = Date.now() + {WAIT_MS};
            const look = () => {{
                if ({condition}) resolve(true);
                else if (Date.now() > end) reject(new Error("never: " + document.body.innerText.slice(0, 2000)));
                else setTimeout(look, 50);
            }};
            look();
        }})"""
        assert self.browser.evaluate(script)

    def wait_text(self, text: str) -> None:
        """Waits until the page shows a text."""
        self.wait(f"document.body.innerText.includes({json.dumps(text)})")

    def go(self, fragment: str, heading: str) -> None:
        """Goes to a page of the console."""
        self.browser.evaluate(f"void (location.hash = {json.dumps(fragment)})")
        self.wait(f"document.querySelector('h1')?.textContent.startsWith({json.dumps(heading)})")

    def fill(self, selector: str, value: str) -> None:
        """Types into a field."""
        self.browser.evaluate(
            f"""(() => {{
                const field = document.querySelector({json.dumps(selector)});
                field.focus();
                field.value = {json.dumps(value)};
                field.dispatchEvent(new Event("input", {{bubbles: true}}));
                field.dispatchEvent(new Event("change", {{bubbles: true}}));
            }})()"""
        )

    def click(self, label: str, within: str = "document") -> None:
        """Clicks a button or link with this text."""
        is_it = f"(each) => each.textContent.trim() === {json.dumps(label)}"
        find = f'[...{within}.querySelectorAll("button, a")].find({is_it})'
        self.wait(f"{find} && !{find}.disabled")
        self.browser.evaluate(f"{find}.click()")

    def log_in(self, user: str = "guest", password: str = "guest") -> None:
        """As a user."""
        self.open()
        self.wait("document.querySelector('input[name=password]') || document.querySelector('dl.figures')")
        if self.browser.evaluate("document.querySelector('input[name=password]') !== null"):
            self.fill("input[name=username]", user)
            self.fill("input[name=password]", password)
            self.click("Log in")
        self.wait("document.querySelector('dl.figures')")

    def picture(self, name: str) -> None:
        """Keeps a screenshot where somebody asks for them."""
        if PICTURES:
            octets = base64.b64decode(self.browser.call("Page.captureScreenshot")["data"])
            (Path(PICTURES) / f"{name}.png").write_bytes(octets)

    def key(self, key: str) -> None:
        """Presses a key where the focus is."""
        options = f"{{key: {json.dumps(key)}, bubbles: true, cancelable: true}}"
        self.browser.evaluate(
            f"void (document.activeElement ?? document).dispatchEvent(new KeyboardEvent('keydown', {options}))"
        )
