# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check that code of kernels keeps what it multiplies in registers.

    attn run F.mlir --emit=asm --target-cpu T | innermost_loops.py --tile N [--loops-only]

A loop is what lies between a label and a jump back to it. In a function that
multiplies and adds vectors or tiles:
- nothing in an innermost loop of such instructions may be on the stack;
- no vector of 256 or 512 bits and no tile may be stored to the stack, or be
  loaded from it, by any instruction.
`--tile N`: some innermost loop has to have N multiply-adds. `--loops-only`: what
is around the loops may use the stack.
"""
import argparse
import re
import sys

# Of vectors (scalars end in ss or sd), of bf16, of integers and of tiles.
MULTIPLY_ADD = re.compile(r"\t(vfn?m(add|sub)\d+p[sh]|vdpbf16ps|vpdpbusd|vpmaddwd|tdp\w+)\t")
JUMP = re.compile(r"\tj\w+\t(\.L\w+)")
WIDE = re.compile(r"%(ymm|zmm|tmm)\d+")


def functions(lines):
    """The name of each function, the line it begins at, and the one after it."""
    start = None
    for number, line in enumerate(lines):
        if match := re.match(r"([^.#\s][^:]*):", line):
            start = match[1], number
        elif line.startswith(".Lfunc_end") and start:
            yield *start, number
            start = None


def innermost_loops(lines, begin, end):
    """First and last line of each loop in which there is no other."""
    labels, loops = {}, {}
    for number in range(begin, end):
        if match := re.match(r"(\.L\w+):", lines[number]):
            labels[match[1]] = number
        elif (match := JUMP.match(lines[number])) and match[1] in labels:
            # The last jump back is the end of a loop.
            loops[labels[match[1]]] = number
    for first, last in loops.items():
        if not any(first < other <= last for other in loops):
            yield first, last


def stack(lines, begin, end):
    """A pattern of what is on the stack: %rbp is where it is set to it."""
    framed = any("\tmovq\t%rsp, %rbp" in line for line in lines[begin:end])
    return re.compile(r"\(%r[sb]p[,)]" if framed else r"\(%rsp[,)]")


def configures_tiles(lines, number):
    """Whether a line clears what `ldtilecfg` reads. Its first byte is 1 then."""
    return lines[number + 1] == f"\tmovb\t$1, {lines[number].split()[-1]}"


def check(lines, name, begin, end, loops_only):
    """Prints what is wrong; returns whether anything is, and how many
    multiply-adds each innermost loop of them has."""
    wrong, counts, on_stack = set(), [], stack(lines, begin, end)
    for first, last in innermost_loops(lines, begin, end):
        loop = range(first, last + 1)
        count = sum(bool(MULTIPLY_ADD.match(lines[i])) for i in loop)
        if not count:
            continue
        counts.append(count)
        used = [i for i in loop if on_stack.search(lines[i])]
        wrong.update(used)
        if used:
            print(f"{name}: a loop of {count} multiply-adds uses the stack {len(used)} times")
    moved = [
        i
        for i in range(begin, end)
        if WIDE.search(lines[i])
        and on_stack.search(lines[i])
        and not configures_tiles(lines, i)
    ]
    if loops_only:
        moved = []
    if counts and moved:
        print(f"{name}: {len(moved)} vectors or tiles go to the stack or come from it")
        wrong.update(moved)
    for number in sorted(wrong)[:20]:
        print(f"  {number + 1}: {lines[number].strip()}")
    return bool(wrong), counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tile", type=int, required=True, help="multiply-adds of a loop")
    parser.add_argument("--loops-only", action="store_true", help="not what is around")
    arguments = parser.parse_args()
    lines = sys.stdin.read().splitlines()
    failed, every = False, []
    for name, begin, end in functions(lines):
        wrong, counts = check(lines, name, begin, end, arguments.loops_only)
        failed |= wrong
        every += counts
        if counts:
            print(f"{name}: innermost loops of {counts} multiply-adds")
    if arguments.tile not in every:
        print(f"expected a loop of {arguments.tile} multiply-adds, got {sorted({*every})}")
        failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
