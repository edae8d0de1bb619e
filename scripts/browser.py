"""Chromium without a window, driven through its DevTools protocol over a pipe.

Needs the program (Debian: apt-get install chromium) and no library. Messages are JSON, each ended
by a zero byte, on the browser's descriptors 3 (to it) and 4 (from it).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE = 60.0  # seconds for an answer, on a busy machine
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-extensions", "--disable-background-networking",
    "--hide-scrollbars", "--force-color-profile=srgb", "--remote-debugging-pipe",
)  # fmt: skip
LAUNCHER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
Json = dict[str, Any]


def find() -> str | None:
    """The browser's program, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One page. `events` are all that it reported: console messages, errors, requests."""

    def __init__(self, width: int = 1280, height: int = 900) -> None:
        program = find()
        if program is None:
            raise FileNotFoundError("no Chromium")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        ends = [*os.pipe(), *os.pipe()]
        # Numbers above those that the launcher gives the browser's two ends.
        to_read, self._to, self._from, from_write = (
            fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(to_read), str(from_write), program, *FLAGS,
             f"--user-data-dir={self._profile.name}", "about:blank"],
            pass_fds=(to_read, from_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for end in (*ends, to_read, from_write):
            os.close(end)
        self._held, self._number, self._session = b"", 0, ""
        self.events: list[Json] = []
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
            self.resize(width, height)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser and forget its profile."""
        os.close(self._to)
        os.close(self._from)
        self._process.kill()
        self._process.wait()
        self._profile.cleanup()

    def call(self, method: str, **params: Any) -> Json:
        """Send a command and wait for its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        number = self._number
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)

    def _receive(self) -> Json:
        limit = time.monotonic() + PATIENCE
        while b"\0" not in self._held:
            ready, _, _ = select.select([self._from], [], [], max(limit - time.monotonic(), 0))
            data = os.read(self._from, 1 << 20) if ready else b""
            if not data:
                raise TimeoutError("the browser does not answer")
            self._held += data
        message, _, self._held = self._held.partition(b"\0")
        return dict(json.loads(message))

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """The window, and whether the system prefers dark pages."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, path: Path) -> None:
        """Load a file and wait until its scripts have run."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait(lambda: self.js("document.readyState") == "complete")

    def wait(self, holds: Callable[[], Any]) -> None:
        """Until something holds. Raises TimeoutError if it never does."""
        limit = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > limit:
                raise TimeoutError("what was waited for did not happen")
            time.sleep(0.02)

    def js(self, expression: str) -> Any:
        """The JSON value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"].get("description"))
        return found["result"].get("value")

    def box(self, selector: str) -> dict[str, float]:
        """Where an element is in the window: x, y, width, height."""
        rectangle = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        found = self.js(f"JSON.stringify({rectangle})")
        return {name: json.loads(found)[name] for name in ("x", "y", "width", "height")}

    def key(self, key: str, text: str = "") -> None:
        """Press and release a key, as the keyboard does."""
        code = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9,
                "Enter": 13, "Home": 36, "End": 35}.get(key, ord(key[0]))  # fmt: skip
        text = "\r" if key == "Enter" else text or (key if len(key) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=code, **more)  # fmt: skip

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """`kind`: mousePressed, mouseReleased or mouseMoved."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1,
                  **more)  # fmt: skip

    def screenshot(self, path: Path, *, selector: str | None = None) -> None:
        """The window, or one part of the page, as PNG."""
        more: Json = {}
        if selector is not None:
            box = self.box(selector)
            box["x"] += self.js("scrollX")
            box["y"] += self.js("scrollY")
            more = {"clip": {**box, "scale": 1}, "captureBeyondViewport": True}
        found = self.call("Page.captureScreenshot", format="png", **more)
        path.write_bytes(base64.b64decode(found["data"]))

    def problems(self) -> list[str]:
        """Errors and warnings that the page reported so far."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                found.append(params["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
                found.append(str(params["args"]))
        return found

    def requests(self) -> list[str]:
        """Every address that was asked for."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]
