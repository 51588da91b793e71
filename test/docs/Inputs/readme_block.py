# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Print the first block of MLIR in a Markdown file."""
import pathlib
import re
import sys

text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
print(re.search(r"^```mlir\n(.*?)^```", text, re.DOTALL | re.MULTILINE)[1])
