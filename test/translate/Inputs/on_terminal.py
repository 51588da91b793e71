# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Run `attn translate` with some of its streams on a terminal.

    on_terminal.py IDS OUTPUT [stdout] [stderr]

Prints what came on standard error, every state of a line that is written again
as a line of its own, and "end" if the last of them was taken away.
"""
import os
import pathlib
import pty
import subprocess
import sys
import threading

ids, output, *on_terminal = sys.argv[1:]


class Terminal:
    """A terminal, or a pipe, and a thread that reads what is written to it."""

    def __init__(self, name):
        self.reader, self.writer = pty.openpty() if name in on_terminal else os.pipe()
        self.bytes = b""
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        try:
            while data := os.read(self.reader, 65536):
                self.bytes += data
        except OSError:  # how a terminal ends
            pass

    def finish(self):
        os.close(self.writer)
        self.thread.join()
        return self.bytes.replace(b"\r\n", b"\n").decode()


out, err = Terminal("stdout"), Terminal("stderr")
process = subprocess.run(
    ["attn", "translate", "--input-format=ids", "--output-format=ids", "--beam-size=4",
     f"--input={ids}"],
    stdout=out.writer, stderr=err.writer,
)  # fmt: skip
if process.returncode != 1:
    sys.exit(f"expected exit status 1 for the bad line, got {process.returncode}")
pathlib.Path(output).write_text(out.finish())
states = err.finish().replace("\r\x1b[K", "\n").split("\n")
print(*(state for state in states if state), sep="\n")
if states[-1] == "":
    print("end")
