# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What `attn translate --stream` writes, and when.

    stream.py SENTENCE ...   prints what each write has
    stream.py --slowly       types a line after the other is read

The output is a socket that keeps writes apart however late they are read.
"""
import signal
import socket
import subprocess
import sys

COMMAND = ["attn", "translate", "--beam-size=1", "--stream"]


def start(*texts):
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # Few writes have room: whoever writes on waits for a reader.
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    process = subprocess.Popen(
        [*COMMAND, *texts], stdin=subprocess.PIPE, stdout=theirs,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    theirs.close()
    ours.settimeout(120)
    return process, ours


def read(output):
    return output.recv(65536).decode()


def check(is_right, message):
    if not is_right:
        sys.exit(message)


if sys.argv[1:] != ["--slowly"]:
    process, output = start(*sys.argv[1:])
    while written := read(output):
        print(repr(written))
    sys.exit(process.wait())

sentence = "I think that " * 40 + "she is right."
full = subprocess.run(
    [*COMMAND, sentence], capture_output=True, text=True, check=True
).stdout
check(len(full.split()) > 40, f"expected a long translation, got {full!r}")

# A line is written while nothing else is there to be read.
process, output = start()
for number in range(2):
    process.stdin.write(b"Thank you.\n")
    process.stdin.flush()
    check((got := read(output)) == "Merci.\n", f"expected a line, got {got!r}")

# The long one cannot be done while its first words are not read.
process.stdin.write(sentence.encode() + b"\n")
process.stdin.flush()
first = read(output)
check(full.startswith(first) and len(first.split()) == 1, f"expected a word, got {first!r}")
# An interrupt leaves whole words.
process.send_signal(signal.SIGINT)
rest = ""
while written := read(output):
    rest += written
got = first + rest
check(full.startswith(got), f"expected the beginning of {full!r}, got {got!r}")
check(full[len(got) : len(got) + 1] in (" ", ""), f"expected whole words, got {got!r}")
check(process.wait() == -signal.SIGINT, f"expected SIGINT's end, got {process.returncode}")
check(len(got) < len(full), "expected to be earlier than the last word")
