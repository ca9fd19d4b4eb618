"""A real browser, told what to do over two pipes: nothing is needed but Chromium and Python."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

# Chromium reads commands from file 3 and answers into file 4.
START = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--remote-debugging-pipe",
)  # fmt: skip


class Browser:
    """Chromium with one page; a test is skipped where there is none.

    Args:
        profile: Folder it may fill.
        width: Of the window, in pixels.
        height: Likewise.
    """

    def __init__(self, profile: Path, width: int, height: int = 900) -> None:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        if found is None:
            pytest.skip("no Chromium on this machine")
        told, self._write = os.pipe()
        self._read, tells = os.pipe()
        flags = [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        self._process = subprocess.Popen(
            [sys.executable, "-IS", "-c", START, str(told), str(tells), found, *flags],
            pass_fds=(told, tells), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(told)
        os.close(tells)
        self._number, self._unread, self._session = 0, b"", None
        # What pages asked for, by address.
        self.requested: list[str] = []
        [page] = [
            each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page"
        ]
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        self.call("Network.enable")
        self.call("Page.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(30)
        os.close(self._write)
        os.close(self._read)

    def call(self, method: str, **parameters: Any) -> dict:
        """Send a command of Chromium's protocol and wait for its result."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": parameters, **session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            found = self._message()
            if found.get("id") == self._number:
                assert "error" not in found, found["error"]
                return found["result"]

    def _message(self) -> dict:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read], [], [], 60)
            part = os.read(self._read, 1 << 20) if ready else b""
            assert part, "the browser does not answer"
            self._unread += part
        first, _, self._unread = self._unread.partition(b"\0")
        found = json.loads(first)
        if found.get("method") == "Network.requestWillBeSent":
            self.requested.append(found["params"]["request"]["url"])
        return found

    def open(self, address: str) -> None:
        """Open a page, and wait until it is there."""
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is on the page, as JSON has it; true of an element."""
        told = f"(found => found instanceof Node ? true : found)({expression})"
        found = self.call("Runtime.evaluate", expression=told, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, expression: str, seconds: float = 60) -> Any:
        """Wait until an expression is true or full; returns it."""
        end = time.monotonic() + seconds
        while not (found := self.value(expression)):
            assert time.monotonic() < end, f"not within {seconds} s: {expression}"
            time.sleep(0.05)
        return found

    def fill(self, selector: str, path: Path) -> None:
        """Give a file to a field for files."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(path)], nodeId=node)

    def picture(self, path: Path) -> None:
        """Write what the window shows, `.png` or `.jpg`."""
        form = {"format": "png"} if path.suffix == ".png" else {"format": "jpeg", "quality": 80}
        data = self.call("Page.captureScreenshot", **form)["data"]
        path.write_bytes(base64.b64decode(data))
