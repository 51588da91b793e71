# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Type to `attn translate` on a terminal; what is not as expected is an error."""
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import termios
import time

UP, BEGINNING, END, INTERRUPT, BACKSPACE = "\x1b[A", "\x01", "\x04", "\x03", "\x7f"  # keys
os.environ["TERM"] = "xterm"
FRESH = termios.tcgetattr(pty.openpty()[1])  # settings of a new terminal


class Session:
    """A process with a terminal of its own, and what it has written there."""

    def __init__(self, *options, output=None):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            if output:
                os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), 1)
            os.execvp("attn", ["attn", "translate", *options])
        self.seen = b""

    def read(self):
        """Whether something more came."""
        if not select.select([self.terminal], [], [], 120)[0]:
            sys.exit(f"expected more within two minutes after {self.seen!r}")
        try:
            data = os.read(self.terminal, 4096)
        except OSError:  # how a terminal ends
            return False
        self.seen += data
        return bool(data)

    def expect(self, text):
        """Waits for `text`, and forgets all up to it."""
        while text.encode() not in self.seen:
            if not self.read():
                sys.exit(f"expected {text!r}, got {self.seen!r} and the end")
        self.seen = self.seen.split(text.encode(), 1)[1]

    def press(self, keys):
        # Until there is an editor, keys such as Ctrl-D are the terminal's own.
        while termios.tcgetattr(self.terminal)[3] & termios.ICANON:
            time.sleep(0.01)
        os.write(self.terminal, keys.encode())

    def type(self, keys, expected):
        self.press(keys)
        self.expect(f"\r\n{expected}\r\n> ")

    def end(self, expected):
        while self.read():
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        if status != expected:
            sys.exit(f"expected exit status {expected}, got {status}")
        if termios.tcgetattr(self.terminal) != FRESH:
            sys.exit("expected the terminal's settings as they were")


session = Session()
session.expect("> ")
session.type("Hello, how are you?\n", "Bonjour, comment allez-vous ?")
session.type("Thank you.\n", "Merci.")
session.type(UP + UP + "\n", "Bonjour, comment allez-vous ?")
session.type("are you?" + BEGINNING + "Hello, how \n", "Bonjour, comment allez-vous ?")
session.press(END)
session.end(0)

# What was typed is there again; a letter outside of ASCII is one to the editor.
sentence = "I live in Orléans."
alone = subprocess.run(["attn", "translate", sentence], capture_output=True, check=True)
session = Session("--split")
session.expect("> ")
session.type(UP + "\n", "Bonjour, comment allez-vous ?")
session.type("Thank you. Thank you.\n", "Merci. Merci.")
session.type(sentence.replace("é", "éé" + BACKSPACE) + "\n", alone.stdout.decode().strip())
session.press(INTERRUPT)
session.end(-signal.SIGINT)

# In greedy search words come one by one.
session = Session("--beam-size=1")
session.expect("> ")
session.type("Hello, how are you?\n", "Salut, comment vas-tu ?")
session.type("Thank you.\n", "Merci.")
session.press(END)
session.end(0)

# A line that cannot be translated does not end the session.
session = Session("--input-format=ids")
session.expect("> ")
session.type("1676 x\n", 'error: line 1: expected token ids in 0..8000, got "x"\r\n')
session.type("1676 8 2 0\n", "Merci.")
session.press(END)
session.end(1)

# Where the translations go to a file, no prompt does.
path = pathlib.Path.home() / "output"
session = Session(output=path)
os.write(session.terminal, f"Thank you.\n{END}".encode())
session.end(0)
if path.read_text() != "Merci.\n" or b"> " in session.seen:
    sys.exit(f"expected one line in the file, got {path.read_text()!r}; {session.seen!r}")
