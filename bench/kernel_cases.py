# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The problems that bench/kernels.py measures, their inputs and true results."""

import dataclasses
import json
import math
import pathlib
import re

import numpy as np


@dataclasses.dataclass(frozen=True)
class Case:
    """One problem; `kind` says which of the sizes count.

    matmul: [m, k] x [k, n]. linear: the same with a weight, which in int8 is
    [n, k] and, like each row, rounded to steps of its own. attention: `batch`
    problems of `queries` against `keys` positions of `size` numbers. feed-forward:
    [m, k] -> [m, n] -> [m, k] with biases and relu. `at_least` is the ratio to reach, the time of the best
    of the libraries to that of attn; `peak_share` the share of the peak.
    """

    name: str
    kind: str
    at_least: float
    peak_share: float = 0
    dtype: str = "f32"
    m: int = 0
    k: int = 0
    n: int = 0
    batch: tuple = ()
    queries: int = 0
    keys: int = 0
    size: int = 64
    causal: bool = False

    @property
    def program(self):
        """The file in bench/kernels and the function in it for `attn run`."""
        if self.kind == "linear":
            return f"linear-{self.dtype}.mlir", f"linear_{self.dtype}"
        if self.kind == "matmul":
            return "matmul.mlir", f"matmul_{self.k}x{self.n}"
        if self.kind == "feed-forward":
            return f"feed-forward-{self.dtype}.mlir", f"feed_forward_{self.dtype}"
        if self.dtype == "bf16":
            return "attention-bf16.mlir", "attention_bf16"
        if self.causal:
            return "attention-causal.mlir", "attention_causal"
        if len(self.batch) == 2:
            return "attention-heads.mlir", "attention_heads"
        return "attention.mlir", "attention"

    def write_program(self, folder):
        """The file, or a copy of it in `folder` with the widths of this case."""
        path = pathlib.Path(__file__).parent / "kernels" / self.program[0]
        if self.kind != "linear":
            return path
        widths = {"512": str(self.k), "2048": str(self.n)}
        text = re.sub(
            r"(?<!\d)(512|2048)(?!\d)", lambda found: widths[found[0]], path.read_text()
        )
        copy = folder / self.program[0]
        copy.write_text(text)
        return copy

    @property
    def flops(self):
        """Multiplications and additions of the matrix products that count."""
        if self.kind in ("matmul", "linear"):
            return 2 * self.m * self.k * self.n
        if self.kind == "feed-forward":
            return 4 * self.m * self.k * self.n
        pairs = self.queries * self.keys
        if self.causal:
            pairs = self.queries * (self.queries + 1) // 2
        return 4 * math.prod(self.batch) * pairs * self.size

    @property
    def bytes(self):
        """What has to be read and written at least once."""
        if self.dtype == "int8":
            return self.k * self.n + 4 * self.m * (self.k + self.n)
        if self.kind in ("matmul", "linear"):
            numbers = self.m * self.k + self.k * self.n + self.m * self.n
        elif self.kind == "feed-forward":
            numbers = 2 * (self.m * self.k + self.k * self.n)
        else:
            numbers = math.prod(self.batch) * (self.queries + self.keys) * 2 * self.size
        return numbers * (2 if self.dtype == "bf16" else 4)

    @property
    def rows(self):
        """Rows of the result that are compared: all of a few, some of many."""
        total = self.queries if self.kind == "attention" else self.m
        return list(range(0, total, max(1, total // 256)))

    @property
    def arguments(self):
        """Names of the inputs, in order."""
        return {
            "matmul": ("a", "b"),
            "linear": ("x", "w"),
            "attention": ("q", "k", "v"),
            "feed-forward": ("x", "w1", "b1", "w2", "b2"),
        }[self.kind]

    @property
    def constants(self):
        """Those of them that do not change from call to call: weights, which
        every engine may lay out once, before it is measured."""
        return self.arguments[1:] if self.kind in ("linear", "feed-forward") else ()

    @property
    def shapes(self):
        """The shapes of the arguments."""
        if self.kind == "matmul":
            return [(self.m, self.k), (self.k, self.n)]
        if self.kind == "linear":
            weight = (self.n, self.k) if self.dtype == "int8" else (self.k, self.n)
            return [(self.m, self.k), weight]
        if self.kind == "feed-forward":
            return [
                (self.m, self.k),
                (self.k, self.n),
                (self.n,),
                (self.n, self.k),
                (self.k,),
            ]
        keys = (*self.batch, self.keys, self.size)
        return [(*self.batch, self.queries, self.size), keys, keys]

    def inputs(self):
        """Float32 arrays by name."""
        rng = np.random.default_rng(1)
        arrays = {}
        for name, shape in zip(self.arguments, self.shapes, strict=True):
            array = rng.standard_normal(shape, np.float32)
            if name in ("w1", "w2"):  # So that what comes out is like what goes in.
                array *= np.float32(shape[0] ** -0.5)
            arrays[name] = round_to_bf16(array) if self.dtype == "bf16" else array
        return arrays

    def reference(self, inputs):
        """The `rows` of the result in float64."""
        inputs = {name: array.astype(np.float64) for name, array in inputs.items()}
        if self.kind == "matmul":
            return inputs["a"][self.rows] @ inputs["b"]
        if self.kind == "linear":
            weight = inputs["w"].T if self.dtype == "int8" else inputs["w"]
            return inputs["x"][self.rows] @ weight
        if self.kind == "feed-forward":
            hidden = inputs["x"][self.rows] @ inputs["w1"] + inputs["b1"]
            return np.maximum(hidden, 0) @ inputs["w2"] + inputs["b2"]
        q, k, v = inputs["q"][..., self.rows, :], inputs["k"], inputs["v"]
        scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(self.size)
        if self.causal:
            later = np.arange(self.keys) > np.array(self.rows)[:, None]
            scores[..., later] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        return weights @ v / weights.sum(-1, keepdims=True)

    def error(self, result, reference):
        """The largest difference, relative to the largest output."""
        return float(np.abs(result - reference).max() / np.abs(reference).max())


def write_weights(path, arrays, dtype):
    """Writes float32 arrays by name as a safetensors file of bf16, or of f32."""
    dtype = "bf16" if dtype == "bf16" else "f32"
    header, blobs, position = {}, [], 0
    for name, array in arrays.items():
        blob = array.tobytes()
        if dtype == "bf16":
            blob = (round_to_bf16(array).view(np.uint32) >> 16).astype(np.uint16).tobytes()
        offsets = [position, position + len(blob)]
        header[name] = {"dtype": dtype.upper(), "shape": array.shape, "data_offsets": offsets}
        blobs.append(blob)
        position += len(blob)
    text = json.dumps(header).encode()
    path.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *blobs]))


def round_to_bf16(array):
    """Rounds to what bfloat16 can hold, halves to even; stays float32."""
    bits = array.view(np.uint32)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32)


def _matmul(name, at_least, m, k, n):
    return Case(f"matmul-{name}", "matmul", at_least, 0.92, m=m, k=k, n=n)


# What is asked of products in fewer bits depends on the processor.
_CPUINFO = pathlib.Path("/proc/cpuinfo")
_HAS_TILES = _CPUINFO.exists() and "amx_tile" in _CPUINFO.read_text()


def _linear(dtype, m, k, n):
    at_least = 1.3 if _HAS_TILES else 1.0
    name = f"linear-{dtype}-{m}x{k}x{n}"
    return Case(name, "linear", at_least, dtype=dtype, m=m, k=k, n=n)


def _attention(name, at_least, batch, queries, keys, **others):
    return Case(
        name, "attention", at_least, batch=batch, queries=queries, keys=keys, **others
    )


def _feed_forward(dtype, m, at_least):
    name = f"feed-forward-{dtype}-{m}"
    return Case(name, "feed-forward", at_least, dtype=dtype, m=m, k=512, n=2048)


CASES = {
    case.name: case
    for case in [
        *(_matmul(str(size), 1.0, size, size, size) for size in (512, 1024, 2048)),
        _matmul("672x512x2048", 1.0, 672, 512, 2048),
        *(
            _linear(dtype, *sizes)
            for dtype in ("bf16", "int8")
            for sizes in [(672, 512, 2048), (32, 512, 58101), (4096, 4096, 4096)]
        ),
        _attention("attention-f32-512", 1.2, (8,), 512, 512),
        _attention("attention-f32-2048", 1.2, (8,), 2048, 2048, peak_share=0.85),
        _attention("attention-f32-2048-causal", 1.2, (8,), 2048, 2048, causal=True),
        _attention("attention-f32-256x32", 1.6, (256,), 32, 32),
        _attention("query-f32-1024", 1.5, (8,), 1, 1024),
        _attention("query-f32-128x24", 1.5, (128, 8), 1, 24),
        *(
            _attention(f"attention-bf16-{length}", 1.8, (8,), length, length, dtype="bf16")
            for length in (512, 2048, 8192)
        ),
        *(
            _feed_forward("f32", *m)
            for m in [(1, 1.0), (32, 1.5), (672, 1.05), (4096, 1.0)]
        ),
        *(
            _feed_forward("bf16", *m)
            for m in [(1, 1.2), (32, 1.3), (672, 1.3), (4096, 1.2)]
        ),
    ]
}
