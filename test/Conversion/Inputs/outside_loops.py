# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check that loops of parallel regions get no memory and copy none.

    attn-opt --attn-lower-cores F.mlir | outside_loops.py

What a thread needs is to be there before its first loop begins.
"""
import re
import sys

LOOP = re.compile(r"(%[\w, :%]+ = )?scf\.for\b|omp\.wsloop\b")
FORBIDDEN = re.compile(r"memref\.(alloc|alloca|dealloc|copy|realloc)\b")


def main():
    # Where the region, and the outermost loop in it, are indented to.
    loops, found, region, indent = 0, [], None, None
    for number, line in enumerate(sys.stdin, 1):
        depth, text = len(line) - len(line.lstrip()), line.lstrip()
        if region is None:
            region = depth if text.startswith("omp.parallel") else None
        elif depth == region and text.startswith("}"):
            region = None
        elif indent is None and LOOP.match(text):
            loops, indent = loops + 1, depth
        elif indent is not None and depth == indent and text.startswith("}"):
            indent = None
        elif indent is not None and FORBIDDEN.search(line):
            found.append(f"{number}: {line.strip()}")
    print("\n".join([*found, f"{loops} loops, {len(found)} allocations or copies in them"]))
    sys.exit(1 if found or not loops else 0)


if __name__ == "__main__":
    main()
