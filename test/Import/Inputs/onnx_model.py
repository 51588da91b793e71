# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Write an ONNX model of the inputs a and b, f32 tensors of n x 4, and the output c.

    onnx_model.py FILE [--weight PATH] [--cut BYTES] NODE...

A node is "Operator:inputs:outputs[:attribute=value]", with names divided by
commas; "domain.Operator" is one of another domain. A value is an integer, several (1,2)
or a word, or a graph of one node ("[Operator inputs outputs]"). --weight adds w, four floats that are in another file.
"""
import argparse
import pathlib


def varint(value):
    result = b""
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


# The fields' numbers are those of ONNX's onnx.proto.


def named(name):
    return message(1, name)


def value(name):
    shape = message(1, message(2, "n")) + message(1, number(1, 4))
    return named(name) + message(2, message(1, number(1, 1) + message(2, shape)))


def node(text):
    operator, inputs, outputs, *attributes = text.split(":")
    result = b"".join(message(1, name) for name in inputs.split(","))
    result += b"".join(message(2, name) for name in outputs.split(","))
    domain, _, operator = operator.rpartition(".")
    result += message(3, "it") + message(4, operator) + message(7, domain)
    for name, value in (attribute.split("=") for attribute in attributes):
        # INT is kind 2, STRING 3, GRAPH 5, INTS 7.
        if "," in value and value.replace(",", "").isdigit():
            content = b"".join(number(8, int(part)) for part in value.split(",")) + number(20, 7)
        elif value.startswith("["):
            inner = value.strip("[]").replace(" ", ":")
            outputs = inner.split(":")[2].split(",")
            graph = message(1, node(inner)) + b"".join(message(12, named(o)) for o in outputs)
            content = message(6, graph) + number(20, 5)
        elif value.lstrip("-").isdigit():
            content = number(3, int(value)) + number(20, 2)
        else:
            content = message(4, value) + number(20, 3)
        result += message(5, message(1, name) + content)
    return result


def weight(path):
    entry = message(1, "location") + message(2, path)
    return number(1, 4) + number(2, 1) + message(8, "w") + message(13, entry) + number(14, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("node", nargs="*")
    parser.add_argument("--weight", help="the path of w's elements")
    parser.add_argument("--cut", type=int, help="write only so many bytes")
    arguments = parser.parse_args()
    graph = b"".join(message(1, node(text)) for text in arguments.node)
    if arguments.weight is not None:
        graph += message(5, weight(arguments.weight))
    graph += message(11, value("a")) + message(11, value("b")) + message(12, value("c"))
    model = number(1, 10) + message(7, graph) + message(8, message(1, "") + number(2, 23))
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    arguments.file.write_bytes(model[: arguments.cut])


if __name__ == "__main__":
    main()
