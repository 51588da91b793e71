# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads a page of alignments in headless Chromium, as one who points at words.

    page.py PAGE.html LINE WORD [SCREENSHOT.png]

Prints the words and the weights of a line, then which words are marked and how
much, once the pointer is on the span of the source word WORD; then on a cell,
and then elsewhere.
"""
import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

READ = """(line => {
  const section = document.getElementById("line-" + line);
  const words = kind => [...section.querySelectorAll(`span[data-${kind}]`)];
  const marks = kind => words(kind)
    .filter(w => w.classList.contains("linked") || +w.style.getPropertyValue("--w") > .1)
    .map(w => w.textContent + (w.classList.contains("linked") ? " linked" : "") +
      (+w.style.getPropertyValue("--w") > 0 ? " " + Math.round(100 * w.style.getPropertyValue("--w")) : ""));
  return {
    words: [words("s"), words("t")].map(list => list.map(w => w.textContent)),
    weights: [...section.querySelectorAll("tbody tr")].map(
      row => [...row.querySelectorAll("td")].map(cell => +cell.dataset.w)),
    marks: [marks("s"), marks("t")] };
})"""
PLACE = """((line, selector, text) => {
  const section = document.getElementById("line-" + line);
  const element = [...section.querySelectorAll(selector)].find(e => !text || e.textContent === text);
  element.scrollIntoView();
  const box = element.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})"""


class Browser:
    """A page, driven through the DevTools protocol on a pipe."""

    def __init__(self, folder):
        to_read, self.output = os.pipe()
        self.input, to_write = os.pipe()

        def connect():
            # Above 3 and 4 first: one of the ends may be there.
            ends = os.dup(to_read), os.dup(to_write)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
             f"--user-data-dir={folder}", "--window-size=900,700", "about:blank"],
            preexec_fn=connect, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.number, self.session = b"", 0, None
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]

    def receive(self):
        while b"\0" not in self.buffer:
            part = os.read(self.input, 1 << 16)
            if not part:
                raise SystemExit("error: chromium ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.number:
            pass
        if "error" in answer:
            raise SystemExit(f"error: {method}: {answer['error']}")
        return answer["result"]

    def open(self, path):
        self.call("Page.enable")
        self.call("Page.navigate", url=path.absolute().as_uri())
        while self.receive().get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, function, *arguments):
        expression = f"{function}({', '.join(map(json.dumps, arguments))})"
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise SystemExit(f"error: {result['exceptionDetails']}")
        return result["result"]["value"]

    def point(self, x, y):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)


def main(page, line, word, screenshot=None):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder)
        browser.open(pathlib.Path(page))
        state = browser.evaluate(READ, line)
        print("words", *map(json.dumps, state["words"]))
        for row in state["weights"]:
            print("weights", *(f"{weight:.2f}" for weight in row), f"sum {sum(row):.2f}")
        browser.point(*browser.evaluate(PLACE, line, "span[data-s]", word))
        print("word", *map(json.dumps, browser.evaluate(READ, line)["marks"]))
        if screenshot:
            image = browser.call("Page.captureScreenshot", format="png")
            pathlib.Path(screenshot).write_bytes(base64.b64decode(image["data"]))
        browser.point(*browser.evaluate(PLACE, line, 'td[data-s="1"][data-t="0"]', ""))
        print("cell", *map(json.dumps, browser.evaluate(READ, line)["marks"]))
        browser.point(1, 1)
        print("none", *map(json.dumps, browser.evaluate(READ, line)["marks"]))
        browser.process.terminate()
        browser.process.wait()


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main(*sys.argv[1:])
