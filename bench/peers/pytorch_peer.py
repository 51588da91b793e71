# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""PyTorch: its fused attention, MKL and oneDNN, eager and with packed weights."""

import functools

import torch
from torch._inductor import config
from torch.nn import functional


class Engine:
    def __init__(self, threads):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        # torch.compile packs the weights and tries its own kernels; no pool of
        # compilers beside this process.
        config.freezing = config.max_autotune = True
        config.max_autotune_gemm_backends = "CPP,ATEN"
        config.compile_threads = 1
        self.version = torch.__version__.partition("+")[0]

    def ways(self, case, arrays):
        dtype = torch.bfloat16 if case.dtype == "bf16" else torch.float32
        # Memory of PyTorch's own, which is aligned.
        tensors = {n: torch.from_numpy(a).to(dtype, copy=True) for n, a in arrays.items()}
        kind = {
            "matmul": self.matmul,
            "linear": self.linear_int8 if case.dtype == "int8" else self.linear,
            "attention": self.attention,
            "feed-forward": self.feed_forward,
        }[case.kind]

        def way(build):
            return build(case, **tensors), lambda result: result.float().numpy()

        return {n: functools.partial(way, build) for n, build in kind().items()}

    def matmul(self):
        def mm(case, a, b):
            out = torch.empty(case.m, case.n, dtype=a.dtype)
            return lambda: torch.mm(a, b, out=out)

        return {"torch.mm": mm}

    def attention(self):
        def fused(case, q, k, v):
            if len(case.batch) == 1:
                q, k, v = q[None], k[None], v[None]
            return lambda: functional.scaled_dot_product_attention(
                q, k, v, is_causal=case.causal
            )

        def products(case, q, k, v):
            if case.causal or case.queries > 4096:
                raise NotImplementedError("only where the scores are few")
            q, k, v = (t.flatten(0, -3) for t in (q, k, v))
            keys, scale = k.transpose(-1, -2), case.size**-0.5
            none = q.new_empty(())

            def run():
                scores = torch.baddbmm(none, q, keys, beta=0, alpha=scale)
                return torch.bmm(torch.softmax(scores, -1), v)

            return run

        return {"scaled_dot_product_attention": fused, "baddbmm, softmax, bmm": products}

    def linear(self):
        def eager(case, x, w):
            w = w.t().contiguous()
            return lambda: functional.linear(x, w)

        def onednn(case, x, w):
            w = torch.ops.mkldnn._reorder_linear_weight(w.t().contiguous(), case.m)
            linear = torch.ops.mkldnn._linear_pointwise
            return lambda: linear(x, w, None, "none", [], "")

        return {"linear": eager, "oneDNN, packed": onednn}

    def linear_int8(self):
        """Weights rounded once, to steps for each of their rows."""

        def round_rows(rows):
            scales = rows.abs().amax(1, keepdim=True).clamp(min=2**-100) / 127
            return (rows / scales).round().to(torch.int8), scales

        def dynamic(engine, case, x, w):
            scales = round_rows(w)[1].flatten()
            zeros = torch.zeros(case.n, dtype=torch.int64)
            torch.backends.quantized.engine = engine
            weight = torch.quantize_per_channel(w, scales, zeros, 0, torch.qint8)
            weight = torch.ops.quantized.linear_prepack(weight, None)
            linear = torch.ops.quantized.linear_dynamic
            return lambda: linear(x, weight)

        def int_mm(case, x, w):
            weight, weight_scales = round_rows(w)
            weight, weight_scales = weight.t(), weight_scales.t()

            def run():
                rows, scales = round_rows(x)
                return torch._int_mm(rows, weight) * (scales * weight_scales)

            return run

        def compiled(case, x, w):
            torch._dynamo.reset()
            return torch.compile(int_mm(case, x, w), dynamic=False)

        ways = {f"linear_dynamic, {e}": functools.partial(dynamic, e) for e in ("onednn", "x86")}
        return {**ways, "_int_mm": int_mm, "torch.compile, _int_mm": compiled}

    def feed_forward(self):
        def eager(case, x, w1, b1, w2, b2):
            w1, w2 = w1.t().contiguous(), w2.t().contiguous()
            return lambda: functional.linear(functional.linear(x, w1, b1).relu_(), w2, b2)

        def onednn(case, x, w1, b1, w2, b2):
            pack = torch.ops.mkldnn._reorder_linear_weight
            linear = torch.ops.mkldnn._linear_pointwise
            w1 = pack(w1.t().contiguous(), case.m)
            w2 = pack(w2.t().contiguous(), case.m)

            def run():
                hidden = linear(x, w1, b1, "relu", [], "")
                return linear(hidden, w2, b2, "none", [], "")

            return run

        def mkl(case, x, w1, b1, w2, b2):
            linear = torch.ops.mkl._mkl_linear
            w1, w2 = w1.t().contiguous(), w2.t().contiguous()
            p1 = torch.ops.mkl._mkl_reorder_linear_weight(w1, case.m)
            p2 = torch.ops.mkl._mkl_reorder_linear_weight(w2, case.m)
            return lambda: linear(linear(x, p1, w1, b1, case.m).relu_(), p2, w2, b2, case.m)

        def compiled(case, x, w1, b1, w2, b2):
            model = torch.nn.Sequential(
                torch.nn.Linear(case.k, case.n),
                torch.nn.ReLU(),
                torch.nn.Linear(case.n, case.k),
            )
            model = model.to(x.dtype).eval()
            weights = [w1.t().contiguous(), b1, w2.t().contiguous(), b2]
            for parameter, value in zip(model.parameters(), weights, strict=True):
                parameter.copy_(value)
            torch._dynamo.reset()
            run = torch.compile(model, dynamic=False)
            return lambda: run(x)

        return {
            "linear": eager,
            "oneDNN, packed": onednn,
            "MKL, packed": mkl,
            "torch.compile, max-autotune": compiled,
        }
