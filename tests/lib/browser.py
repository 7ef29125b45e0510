# SPDX-License-Identifier: Apache-2.0
"""
Chromium without a window, driven by its DevTools protocol over a pipe:
https://chromedevtools.github.io/devtools-protocol/
"""

import json
import os
import select
import shutil
import subprocess
import time

from lib import paths, process

PROGRAM = shutil.which("chromium")
START_S = 60
ANSWER_S = 30


class Browser:
    """One tab. What it complains of, and what it asks for, is kept."""

    def __init__(self):
        to_child, self.write = os.pipe()
        self.read, from_child = os.pipe()
        self.buffer = b""
        self.last = 0
        self.session = None
        self.complaints = []  # exceptions, and what the console is told
        self.requests = []    # URLs
        self.profile = paths.work() / "browser"
        # It reads commands from descriptor 3 and answers on 4.
        self.popen = subprocess.Popen(
            ["bash", "-c", f'exec 3<&{to_child} 4>&{from_child}; exec "$@"',
             "bash", PROGRAM, "--headless", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={self.profile}"],
            pass_fds=(to_child, from_child), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=process.settle_child)
        os.close(to_child)
        os.close(from_child)
        target = self.call("Target.createTarget", START_S, url="about:blank")
        self.session = self.call("Target.attachToTarget", flatten=True,
                                 targetId=target["targetId"])["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.write)
        os.close(self.read)
        self.popen.terminate()
        self.popen.wait()

    def call(self, method, seconds=ANSWER_S, **params):
        """The command's result."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        return self._until(lambda m: m.get("id") == self.last, method,
                           seconds)["result"]

    def _until(self, wanted, what, seconds):
        end = time.monotonic() + seconds
        while True:
            while b"\0" not in self.buffer:
                ready, _, _ = select.select(
                    [self.read], [], [], max(0, end - time.monotonic()))
                data = os.read(self.read, 1 << 20) if ready else b""
                if not data:
                    raise process.Failed(f"the browser: no answer to {what}")
                self.buffer += data
            text, _, self.buffer = self.buffer.partition(b"\0")
            message = json.loads(text)
            self._note(message)
            if wanted(message):
                if "error" in message:
                    raise process.Failed(f"{what}: {message['error']}")
                return message

    def _note(self, message):
        method, params = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(str(params["args"]))
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 600)

    def colours(self, scheme):
        """"light" or "dark"."""
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path):
        """A file; returns when all of it is there."""
        self.complaints.clear()
        self.requests.clear()
        self.call("Page.navigate", url=f"file://{path}")
        while self.run("document.readyState") != "complete":
            time.sleep(0.02)

    def run(self, expression):
        """What an expression in the page gives."""
        result = self.call("Runtime.evaluate", expression=expression,
                           returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise process.Failed(f"{expression}: "
                                 f"{result['exceptionDetails']}")
        return result["result"].get("value")

    def key(self, name, text=None, modifiers=0):
        """A key pressed and let go: "Tab", or "Enter" with text "\\r"."""
        more = {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name,
                  code=name, modifiers=modifiers,
                  windowsVirtualKeyCode=VIRTUAL.get(name, 0), **more)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, code=name)

    def type(self, text):
        self.call("Input.insertText", text=text)


VIRTUAL = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowDown": 40}
