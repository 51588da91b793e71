# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check in the line of --stats that code was compiled; and in that of a second
start, if it is given, that it was in the cache, which took a part of the time."""
import json
import pathlib
import sys

stats = [json.loads(pathlib.Path(name).read_text().splitlines()[-1]) for name in sys.argv[1:]]
if [line["cached"] for line in stats] != [False, True][: len(stats)]:
    sys.exit(f"expected code that is compiled, then cached, got {stats}")
# Looking up takes milliseconds, compiling hundreds of them.
if len(stats) > 1 and stats[1]["compile_s"] > stats[0]["compile_s"] / 4:
    sys.exit(f"expected a quarter of the time for code that is cached, got {stats}")
