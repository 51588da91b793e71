# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Interrupt `attn translate` while it writes, and while it waits for input.

    interrupt.py IDS FOLDER

IDS are sentences of token ids, of which a long input is made. What was written
to a pipe must be whole lines of the right output; a file must not appear.
"""
import fcntl
import pathlib
import signal
import struct
import subprocess
import sys
import termios
import time

REPEATED = 1000
PIPE_SIZE = 8192  # small, so that it is full soon
ids, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
command = [
    "attn", "translate", "--input-format=ids", "--output-format=ids",
    "--beam-size=1", "--threads=2",
]  # fmt: skip
once = subprocess.run([*command, f"--input={ids}"], capture_output=True, check=True)
expected = once.stdout * REPEATED
long_input = folder / "long"
long_input.write_bytes(ids.read_bytes() * REPEATED)


def interrupt(process, number):
    """Sends signal `number`; returns what was written and not read yet."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    if process.returncode != -number:
        sys.exit(f"expected an end by signal {number}, got {process.returncode}")
    if errors:
        sys.exit(f"expected nothing on standard error, got {errors}")
    return output


def waiting_bytes(pipe):
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0]


def start(*options, ignored=(), **streams):
    def set_signals():
        # Those that run the test may ignore them.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    return subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=set_signals, **streams,
    )  # fmt: skip


# In the middle of writing: the pipe is full, and has no room for whole lines.
for number in (signal.SIGINT, signal.SIGTERM):
    process = start(f"--input={long_input}", pipesize=PIPE_SIZE)
    waiting = 0
    while waiting == 0 or waiting != waiting_bytes(process.stdout):
        waiting = waiting_bytes(process.stdout)
        time.sleep(1)
    output = interrupt(process, number)
    if not output.endswith(b"\n") or not expected.startswith(output):
        sys.exit(f"expected whole lines of the output, got ... {output[-200:]}")
    if not 0 < len(output) < len(expected):
        sys.exit(f"expected a part of the output, got {len(output)} bytes")

# While it waits for input, of which it had some.
process = start(stdin=subprocess.PIPE)
process.stdin.write(ids.read_bytes())
process.stdin.flush()
try:
    process.wait(timeout=1)
except subprocess.TimeoutExpired:
    pass
interrupt(process, signal.SIGINT)

# A file appears when all of it is there.
process = start(f"--input={long_input}", f"--output={folder / 'output'}")
try:
    process.wait(timeout=2)
except subprocess.TimeoutExpired:
    pass
interrupt(process, signal.SIGINT)
if left := sorted(path.name for path in folder.iterdir() if path.name.startswith("output")):
    sys.exit(f"expected no file, got {left}")

# A signal that is ignored, as nohup does with SIGHUP, stays so.
process = start(stdin=subprocess.PIPE, ignored=[signal.SIGHUP])
try:
    process.wait(timeout=1)
except subprocess.TimeoutExpired:
    process.send_signal(signal.SIGHUP)
output, _ = process.communicate(ids.read_bytes(), timeout=60)
if process.returncode != 0 or output != once.stdout:
    sys.exit(f"expected an ignored signal to change nothing, got {process.returncode}")
