# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads a page of alignments in headless Chromium, as one who points at words.

    page.py PAGE.html LINE WORD [SCREENSHOTS]

Prints the words and the weights of a line, then which words are marked and how
much, once the pointer is on the span of the source word WORD; then on a cell,
and then elsewhere. Then, for a light and a dark screen and for paper, the colour
of the page and the least contrast of any text with what is behind it, as the Web
Content Accessibility Guidelines 2 define it, with WORD pointed at.

Screenshots are SCREENSHOTS-light.png, -dark.png and -print.png.
"""
import base64
import json
import os
import pathlib
import shutil
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
LOOK = """(() => {
  const canvas = document.createElement("canvas").getContext("2d");
  const parse = colour => {  // of any form to [red, green, blue, opacity]
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const behind = element => {
    if (!element) return [255, 255, 255];
    const [r, g, b, a] = parse(getComputedStyle(element).backgroundColor);
    return behind(element.parentElement).map((c, i) => [r, g, b][i] * a + c * (1 - a));
  };
  const luminance = colour => colour.slice(0, 3).map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = element => {
    const [light, dark] = [parse(getComputedStyle(element).color), behind(element)]
      .map(luminance).sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const texts = [...document.querySelectorAll("main *")].filter(e =>
    [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.textContent.trim()));
  const cells = [...document.querySelectorAll("td.weight")].map(c => [+c.dataset.w, luminance(behind(c))]);
  const paper = luminance(behind(document.body));
  cells.sort((a, b) => a[0] - b[0]);
  return { page: behind(document.body).map(Math.round), texts: texts.length,
    contrast: Math.min(...texts.map(contrast)),
    // Whether a cell is the further from the page's colour the greater its weight.
    ordered: cells.every(([, c], i) => !i || Math.abs(c - paper) >= Math.abs(cells[i - 1][1] - paper) - 0.005) };
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
            [shutil.which("chromium") or "chromium-headless-shell", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
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


def main(page, line, word, screenshots=None):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(folder)
        browser.open(pathlib.Path(page))
        state = browser.evaluate(READ, line)
        print("words", *map(json.dumps, state["words"]))
        for row in state["weights"]:
            print("weights", *(f"{weight:.2f}" for weight in row), f"sum {sum(row):.2f}")
        browser.point(*browser.evaluate(PLACE, line, "span[data-s]", word))
        print("word", *map(json.dumps, browser.evaluate(READ, line)["marks"]))
        browser.point(*browser.evaluate(PLACE, line, 'td[data-s="1"][data-t="0"]', ""))
        print("cell", *map(json.dumps, browser.evaluate(READ, line)["marks"]))
        browser.point(1, 1)
        print("none", *map(json.dumps, browser.evaluate(READ, line)["marks"]))
        browser.point(*browser.evaluate(PLACE, line, "span[data-s]", word))
        for view, media, scheme in [("light", "screen", "light"), ("dark", "screen", "dark"), ("print", "print", "dark")]:
            browser.call("Emulation.setEmulatedMedia", media=media,
                         features=[{"name": "prefers-color-scheme", "value": scheme}])
            look = browser.evaluate(LOOK)
            print(view, "page", *look["page"], f"contrast {look['contrast']:.1f} of {look['texts']} texts",
                  "cells in order" if look["ordered"] else "cells in no order")
            if screenshots:
                image = browser.call("Page.captureScreenshot", format="png")
                pathlib.Path(f"{screenshots}-{view}.png").write_bytes(base64.b64decode(image["data"]))
        browser.process.terminate()
        browser.process.wait()


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    main(*sys.argv[1:])
