# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models by name, with their inputs, for reference_cases.py."""
import numpy as np
import onnx
from onnx import helper

CASES = {}


def case(
    name, operator, operands, constants=(), outputs=1, sizes="unknown", inner=(), **attributes
):  # fmt: skip
    """Operands are arrays, or shapes of floats; None is left out, as is an output that is
    not among those asked for. Constants are the numbers of operands that are part of the
    model. Sizes are unknown, but for 1, or have names, equal ones the same, or are known.
    Operands of UINT8, and outputs that `inner` names, are INT32 outside."""
    random = np.random.default_rng(len(CASES))
    arrays = {
        f"x{number}": value
        if isinstance(value, np.ndarray)
        else random.standard_normal(value).astype(np.float32)
        for number, value in enumerate(operands)
        if value is not None
    }
    weights = {name: arrays.pop(name) for name in [f"x{number}" for number in constants]}
    present = range(outputs) if isinstance(outputs, int) else outputs
    domain, _, kind = operator.rpartition(".")
    inputs = ["" if value is None else f"x{number}" for number, value in enumerate(operands)]
    results = [f"y{number}" if number in present else "" for number in range(max(present) + 1)]
    before, after = [], []
    for number, value in enumerate(operands):
        if f"x{number}" in arrays and arrays[f"x{number}"].dtype == np.uint8:
            arrays[f"x{number}"] = value.astype(np.int32)
            inputs[number] = f"bytes{number}"
            before.append(helper.make_node("Cast", [f"x{number}"], [inputs[number]], to=2))
    for number in inner:
        results[number] = f"result{number}"
        after.append(helper.make_node("Cast", [results[number]], [f"y{number}"], to=6))
    node = helper.make_node(kind, inputs, results, domain=domain, **attributes)

    def declare(name, array):
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        shape = [
            size if size == 1 else {"unknown": None, "named": f"n{size}", "known": size}[sizes]
            for size in array.shape
        ]
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        [*before, node, *after],
        name,
        [declare(name, array) for name, array in arrays.items()],
        [helper.make_tensor_value_info(f"y{number}", 1, None) for number in present],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    versions = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    CASES[name] = operator, helper.make_model(graph, opset_imports=versions), arrays


RANDOM = np.random.default_rng(0)


def integers(kind, *shape):
    bounds = np.iinfo(kind)
    return RANDOM.integers(bounds.min, bounds.max + 1, shape).astype(kind)


def byte(value):
    return np.array(value, np.uint8)
