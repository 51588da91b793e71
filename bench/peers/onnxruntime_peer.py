# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX Runtime: all optimisations, weights as initialisers, bound inputs."""

import functools
import math

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper


class Engine:
    def __init__(self, threads):
        self.threads = threads
        self.version = onnxruntime.__version__
        onnxruntime.set_default_logger_severity(3)

    def ways(self, case, arrays):
        if case.dtype == "bf16":
            arrays = {n: a.astype(_bfloat16()) for n, a in arrays.items()}
        if case.kind == "linear":
            return {}
        if case.kind == "matmul":
            return {"MatMul": lambda: self.matmul(case, arrays)}
        if case.kind == "feed-forward":
            return {
                "Gemm": lambda: self.feed_forward(case, arrays, "Gemm"),
                "MatMul, Add": lambda: self.feed_forward(case, arrays, "MatMul"),
            }
        heads = case.batch[-1] if case.batch[-1] < 64 else 8
        sizes = {(math.prod(case.batch) // heads, heads), (1, math.prod(case.batch))}
        return {
            f"{way.__name__} {batch}x{heads}": functools.partial(
                way, case, arrays, batch, heads
            )
            for way in (self.Attention, self.MultiHeadAttention)
            for batch, heads in sorted(sizes)
        }

    def session(self, nodes, inputs, shape, constants=None):
        """Returns a function that runs the graph on memory bound once."""
        kinds = {n: helper.np_dtype_to_tensor_dtype(a.dtype) for n, a in inputs.items()}
        kind = next(iter(kinds.values()))
        graph = helper.make_graph(
            nodes,
            "graph",
            [
                helper.make_tensor_value_info(n, kinds[n], a.shape)
                for n, a in inputs.items()
            ],
            [helper.make_tensor_value_info("y", kind, shape)],
            [numpy_helper.from_array(a, n) for n, a in (constants or {}).items()],
        )
        opsets = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        binding = session.io_binding()
        for name, array in inputs.items():
            value = onnxruntime.OrtValue.ortvalue_from_numpy(array)
            binding.bind_ortvalue_input(name, value)
        y = onnxruntime.OrtValue.ortvalue_from_numpy(
            np.zeros(shape, next(iter(inputs.values())).dtype)
        )
        binding.bind_ortvalue_output("y", y)

        def run():
            session.run_with_iobinding(binding)
            return y

        return run, lambda result: result.numpy()

    def matmul(self, case, arrays):
        node = helper.make_node("MatMul", ["a", "b"], ["y"])
        return self.session([node], arrays, (case.m, case.n))

    def feed_forward(self, case, arrays, op):
        x, weights = {"x": arrays["x"]}, {n: a for n, a in arrays.items() if n != "x"}
        if op == "Gemm":
            nodes = [
                helper.make_node("Gemm", ["x", "w1", "b1"], ["h"]),
                helper.make_node("Relu", ["h"], ["r"]),
                helper.make_node("Gemm", ["r", "w2", "b2"], ["y"]),
            ]
        else:
            nodes = [
                helper.make_node("MatMul", ["x", "w1"], ["m"]),
                helper.make_node("Add", ["m", "b1"], ["h"]),
                helper.make_node("Relu", ["h"], ["r"]),
                helper.make_node("MatMul", ["r", "w2"], ["n"]),
                helper.make_node("Add", ["n", "b2"], ["y"]),
            ]
        return self.session(nodes, x, (case.m, case.k), weights)

    def Attention(self, case, arrays, batch, heads):
        """The operator of ONNX, [batch, heads, length, size]."""
        arrays = {n: a.reshape(batch, heads, -1, case.size) for n, a in arrays.items()}
        node = helper.make_node("Attention", ["q", "k", "v"], ["y"], is_causal=case.causal)
        return self.session([node], arrays, arrays["q"].shape)

    def MultiHeadAttention(self, case, arrays, batch, heads):
        """ONNX Runtime's own operator, [batch, length, heads * size]."""

        def merge(array):
            array = array.reshape(batch, heads, -1, case.size).swapaxes(1, 2)
            return np.ascontiguousarray(array.reshape(batch, -1, heads * case.size))

        arrays = {n: merge(a) for n, a in arrays.items()}
        node = helper.make_node(
            "MultiHeadAttention", ["q", "k", "v"], ["y"], domain="com.microsoft",
            num_heads=heads, unidirectional=int(case.causal),
        )  # fmt: skip
        run, _ = self.session([node], arrays, arrays["q"].shape)

        def split(result):
            result = result.numpy().reshape(batch, -1, heads, case.size)
            return np.ascontiguousarray(result.swapaxes(1, 2))

        return run, split


def _bfloat16():
    import ml_dtypes

    return ml_dtypes.bfloat16
