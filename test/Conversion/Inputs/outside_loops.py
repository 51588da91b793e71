# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check that loops which threads share get no memory and copy none.

    attn-opt --attn-lower-cores F.mlir | outside_loops.py

What a thread needs is to be there before its `omp.wsloop` begins.
"""
import re
import sys

FORBIDDEN = re.compile(r"memref\.(alloc|alloca|dealloc|copy|realloc)\b")


def main():
    loops, found, indent = 0, [], None
    for number, line in enumerate(sys.stdin, 1):
        depth = len(line) - len(line.lstrip())
        if indent is None and line.lstrip().startswith("omp.wsloop"):
            loops, indent = loops + 1, depth
        elif indent is not None and depth == indent and line.lstrip().startswith("}"):
            indent = None
        elif indent is not None and FORBIDDEN.search(line):
            found.append(f"{number}: {line.strip()}")
    print("\n".join([*found, f"{loops} loops, {len(found)} allocations or copies in them"]))
    sys.exit(1 if found or not loops else 0)


if __name__ == "__main__":
    main()
