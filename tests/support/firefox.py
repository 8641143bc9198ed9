"""Firefox over WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/), which it speaks itself: Playwright wants its own
build of Firefox, and Selenium a driver that Debian does not have."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.support.running_app import free_port

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


class Tab:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        """Start a session and open the tab."""
        self._connection, self._number = connection, 0
        self.ask("session.new", capabilities={})
        self._context = self.ask("browsingContext.create", type="tab")["context"]

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the result of a command; events are passed over."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._connection.recv(timeout=60))
            if said.get("id") == self._number:
                if said["type"] == "error":
                    raise RuntimeError(f"{method}: {said['message']}")
                result: dict[str, Any] = said["result"]
                return result

    def resize(self, width: int, height: int) -> None:
        """Set the size of the page in pixels."""
        viewport = {"width": width, "height": height}
        self.ask("browsingContext.setViewport", context=self._context, viewport=viewport)

    def open(self, address: str) -> None:
        """Load a page."""
        self.ask("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def run(self, code: str) -> Any:
        """Return the value, a string, number or boolean, of an expression, which may be a promise."""
        found = self.ask("script.evaluate", expression=code, target={"context": self._context}, awaitPromise=True)
        if found["type"] != "success":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def wait(self, code: str, seconds: float = 60) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.run(f"Boolean({code})"):
            if time.monotonic() > deadline:
                raise TimeoutError(code)
            time.sleep(0.1)

    def choose(self, selector: str, file: Path) -> None:
        """Give a file to an input."""
        found = self.ask(
            "browsingContext.locateNodes", context=self._context, locator={"type": "css", "value": selector}
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        self.ask("input.setFiles", context=self._context, element=element, files=[str(file)])

    def screenshot(self) -> bytes:
        """Return what is seen, as PNG."""
        return base64.b64decode(self.ask("browsingContext.captureScreenshot", context=self._context)["data"])


@contextmanager
def firefox(profile: Path) -> Iterator[Tab]:
    """Start Firefox without a window and with a new profile; yield its tab."""
    assert FIREFOX
    port = free_port()
    options = ["--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", str(port)]
    process = subprocess.Popen([FIREFOX, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with _connected(port) as connection:
            yield Tab(connection)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _connected(port: int, seconds: float = 60) -> ClientConnection:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return connect(f"ws://127.0.0.1:{port}/session", max_size=None, proxy=None)
        except (OSError, WebSocketException):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
