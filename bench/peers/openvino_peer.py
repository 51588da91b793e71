# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""OpenVINO: its fused attention and oneDNN, tuned for latency."""

import functools

import ml_dtypes
import numpy as np
import openvino
import openvino.opset13 as ops


class Engine:
    def __init__(self, threads):
        self.core = openvino.Core()
        self.version = openvino.__version__.partition("-")[0]
        self.threads = threads

    def to_numpy(self, result):
        if result.element_type == openvino.Type.bf16:
            return result.data.view(ml_dtypes.bfloat16).astype(np.float32)
        return result.data.copy()

    def ways(self, case, arrays):
        ways = {
            "matmul": {"MatMul": self.matmul},
            "linear": {"MatMul": self.linear} if case.dtype == "bf16" else {},
            "attention": {
                "ScaledDotProductAttention": self.fused,
                "MatMul, Softmax, MatMul": self.products,
            },
            "feed-forward": {"MatMul, Add, Relu": self.feed_forward},
        }[case.kind]
        return {n: functools.partial(way, case, arrays) for n, way in ways.items()}

    def compile(self, case, inputs, build):
        """Returns a function that infers on memory bound once."""
        low = case.dtype == "bf16"
        kind = openvino.Type.bf16 if low else openvino.Type.f32
        parameters = [ops.parameter(a.shape, kind, name=n) for n, a in inputs.items()]
        model = openvino.Model([build(*parameters)], parameters)
        compiled = self.core.compile_model(
            model,
            "CPU",
            {
                "PERFORMANCE_HINT": "LATENCY",
                "NUM_STREAMS": "1",
                "INFERENCE_NUM_THREADS": str(self.threads),
                "INFERENCE_PRECISION_HINT": "bf16" if low else "f32",
            },
        )
        request = compiled.create_infer_request()
        for i, array in enumerate(inputs.values()):
            request.set_input_tensor(i, self.tensor(array, low))
        output = request.get_output_tensor(0)

        def run():
            request.infer(share_outputs=True)
            return output

        return run, self.to_numpy

    def tensor(self, array, low):
        """Memory of OpenVINO's own, which is aligned."""
        if low:
            tensor = openvino.Tensor(openvino.Type.bf16, array.shape)
            tensor.data.view(np.uint16)[...] = array.astype(ml_dtypes.bfloat16).view(
                np.uint16
            )
        else:
            tensor = openvino.Tensor(openvino.Type.f32, array.shape)
            tensor.data[...] = array
        return tensor

    def constant(self, case, array):
        constant = ops.constant(array)
        return ops.convert(constant, "bf16") if case.dtype == "bf16" else constant

    def matmul(self, case, arrays):
        return self.compile(case, arrays, lambda a, b: ops.matmul(a, b, False, False))

    def linear(self, case, arrays):
        weight = self.constant(case, arrays["w"])
        return self.compile(
            case, {"x": arrays["x"]}, lambda x: ops.matmul(x, weight, False, False)
        )

    def fused(self, case, arrays):
        if len(case.batch) == 1:
            arrays = {n: a[None] for n, a in arrays.items()}
        return self.compile(
            case,
            arrays,
            lambda q, k, v: ops.scaled_dot_product_attention(q, k, v, causal=case.causal),
        )

    def products(self, case, arrays):
        if case.causal or case.queries > 4096:
            raise NotImplementedError("only where the scores are few")
        scale = self.constant(case, np.float32(case.size**-0.5))

        def build(q, k, v):
            scores = ops.multiply(ops.matmul(q, k, False, True), scale)
            return ops.matmul(ops.softmax(scores, -1), v, False, False)

        return self.compile(case, arrays, build)

    def feed_forward(self, case, arrays):
        w1, b1, w2, b2 = (self.constant(case, arrays[n]) for n in ("w1", "b1", "w2", "b2"))

        def build(x):
            hidden = ops.relu(ops.add(ops.matmul(x, w1, False, False), b1))
            return ops.add(ops.matmul(hidden, w2, False, False), b2)

        return self.compile(case, {"x": arrays["x"]}, build)
