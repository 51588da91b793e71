# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Print the examples of docs/Dialect.md, each as a module of its own.

    operation_examples.py Dialect.md WEIGHTS.mlir

Modules are separated by `// -----`. One of operations gets the weights that
its layers name, and is a function of the values that the operations take.
"""
import pathlib
import re
import sys

BLOCK = re.compile(r"^```mlir\n(.*?)^```", re.DOTALL | re.MULTILINE)
OPERATION = re.compile(
    r"^%.*? = (?P<operation>.*) : (?:\((?P<types>.*)\)|(?P<type>\S+)) -> .*$"
)


def arguments(body):
    """The values that the operations of `body` take, with their types."""
    found = {}
    for line in re.sub(r"\n +", " ", body).splitlines():
        operation = OPERATION.match(line)
        if not operation:
            continue
        values = re.findall(r"%\w+", operation["operation"])
        types = (operation["types"] or operation["type"]).split(", ")
        found.update(zip(values, types, strict=True))
    return ", ".join(f"{value}: {type}" for value, type in found.items())


def module(body, weights):
    if not body.startswith("%"):
        return body
    return f"{weights}func.func @example({arguments(body)}) {{\n{body}return\n}}\n"


def main():
    document, weights = (pathlib.Path(p).read_text("utf-8") for p in sys.argv[1:])
    blocks = (block[1] for block in BLOCK.finditer(document))
    print("// -----\n".join(module(body, weights) for body in blocks), end="")


if __name__ == "__main__":
    main()
