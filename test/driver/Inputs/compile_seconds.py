# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check in the line of --stats whether code was compiled or was in the cache."""
import json
import pathlib
import sys

stats = json.loads(pathlib.Path(sys.argv[1]).read_text().splitlines()[-1])
cached = sys.argv[2] == "--cached"
# Looking up takes milliseconds, compiling hundreds of them.
if stats["cached"] is not cached or (stats["compile_s"] < 0.1) is not cached:
    sys.exit(f"expected {sys.argv[2]}, got {stats}")
