# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Write files of text and ids that `attn translate` cannot translate whole."""
import pathlib
import sys

out = pathlib.Path(sys.argv[1])


def lines(name, *items):
    (out / name).write_bytes(b"".join(item + b"\n" for item in items))


hello, thanks = b"Hello.", b"Thank you."
lines("empty.txt")
lines("empty-line.txt", hello, b"", thanks)
lines("not-utf8.txt", hello, b"Hello\xff there.", thanks)
# Each full stop is a token; with a space in front and the end token, 602.
lines("long.txt", hello, b"." * 600, thanks)
lines("long.ids", b"4 0", b"2 " * 600 + b"0", b"4 0")
lines("outside.ids", b"", b"8001 0")
lines("negative.ids", b"-1 0")
lines("overflow.ids", b"18446744073709551616 0")
lines("words.ids", b"four 0")
