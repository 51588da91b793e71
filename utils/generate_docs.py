#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Generate docs/Dialect.md and docs/Passes.md from the .td files.

    utils/generate_docs.py --tblgen mlir-tblgen --mlir-include /usr/lib/llvm-22/include
    utils/generate_docs.py … --check     # only compare with what is committed
"""
import argparse
import difflib
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NOTE = "<!-- Generated from include/attn by `ninja -C build attn-doc`. -->"


def formulas_as_code(text):
    """Indents by four what stands indented after a blank line.

    Formulas in the .td files are indented by two, which Markdown would flow.
    """
    lines, block, fenced = [], False, False
    for line in text.splitlines():
        line = line.rstrip()
        fenced ^= line.startswith("```")
        indented = line.startswith("  ") and not fenced
        block = indented and (block or not lines or not lines[-1])
        lines.append("  " + line if block else line)
    return "\n".join(lines).strip()


def tblgen(arguments, source, *options):
    path = ROOT / "include/attn" / source
    includes = [f"-I{ROOT / 'include'}", f"-I{arguments.mlir_include}"]
    result = subprocess.run(
        [arguments.tblgen, *options, str(path), *includes],
        capture_output=True,
        text=True,
    )
    if result.returncode:
        sys.exit(f"error: {path}: {result.stderr.strip()}")
    # mlir-tblgen opens with a note of its own.
    text = re.sub(r"\A(<!--.*?-->\s*)+", "", result.stdout, flags=re.DOTALL)
    return formulas_as_code(text)


def dialect(arguments):
    text = tblgen(arguments, "IR/AttnOps.td", "-gen-dialect-doc", "-dialect=attn")
    text = re.sub(r"^\[TOC\]\n+", "", text, flags=re.MULTILINE)
    return f"{NOTE}\n\n{text}\n"


def passes(arguments):
    parts = [NOTE, "# Passes"]
    for source, title in [
        ("Transforms/Passes.td", "Transforms: from `attn` to `attn`"),
        ("Conversion/Passes.td", "Conversion: from `attn` to upstream dialects"),
    ]:
        if (ROOT / "include/attn" / source).exists():
            text = tblgen(arguments, source, "-gen-pass-doc")
            parts += [f"## {title}", text]
    return "\n\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tblgen", default="mlir-tblgen")
    parser.add_argument("--mlir-include", default="/usr/lib/llvm-22/include")
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()

    stale = False
    for name, generate in [("Dialect.md", dialect), ("Passes.md", passes)]:
        path = ROOT / "docs" / name
        old = path.read_text() if path.exists() else ""
        new = generate(arguments)
        if old == new:
            continue
        stale = True
        if arguments.check:
            sys.stdout.writelines(
                difflib.unified_diff(
                    old.splitlines(True),
                    new.splitlines(True),
                    f"docs/{name}",
                    f"docs/{name}, generated now",
                )
            )
        else:
            path.write_text(new)
    if stale and arguments.check:
        print("error: docs/ is stale; hint: ninja -C build attn-doc", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
