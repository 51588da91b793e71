# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Print the first code block of a language; of `console`, only the output."""
import pathlib
import re
import sys

language, path = sys.argv[1:]
text = pathlib.Path(path).read_text(encoding="utf-8")
block = re.search(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1]
lines = block.splitlines()
if language == "console":
    lines = [line for line in lines if not line.startswith("$")]
print("\n".join(lines))
