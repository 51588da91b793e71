# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""IREE's CPU backend, for the host's processor, from the same upstream ops."""

import functools
import importlib.metadata

import numpy as np
from iree import compiler, runtime

PLAIN = """
func.func @main(%q: {q}, %k: {k}, %v: {k}) -> {q} {{
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant {scale} : f32
  %es = tensor.empty() : {s}
  %fs = linalg.fill ins(%zero : f32) outs(%es : {s}) -> {s}
  %kt_e = tensor.empty() : {kt}
  %kt = linalg.transpose ins(%k : {k}) outs(%kt_e : {kt}) permutation = [0, 2, 1]
  %p = linalg.batch_matmul ins(%q, %kt : {q}, {kt}) outs(%fs : {s}) -> {s}
  %scaled = linalg.generic {{indexing_maps = [
      affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]}}
      ins(%p : {s}) outs(%es : {s}) {{
    ^bb0(%x: f32, %out: f32):
      %y = arith.mulf %x, %scale : f32
      linalg.yield %y : f32
  }} -> {s}
  %weights = linalg.softmax dimension(2) ins(%scaled : {s}) outs(%es : {s}) -> {s}
  %eo = tensor.empty() : {q}
  %fo = linalg.fill ins(%zero : f32) outs(%eo : {q}) -> {q}
  %o = linalg.batch_matmul ins(%weights, %v : {s}, {k}) outs(%fo : {q}) -> {q}
  return %o : {q}
}}
"""

FUSED = """
func.func @main(%q: {q}, %k: {k}, %v: {k}) -> {q} {{
  %scale = arith.constant {scale} : f32
  %e = tensor.empty() : {q}
  %o = iree_linalg_ext.attention <{{indexing_maps = [
      affine_map<(b, m, n, k, l) -> (b, m, k)>, affine_map<(b, m, n, k, l) -> (b, l, k)>,
      affine_map<(b, m, n, k, l) -> (b, l, n)>, affine_map<(b, m, n, k, l) -> ()>,
      affine_map<(b, m, n, k, l) -> (b, m, n)>]}}>
      ins(%q, %k, %v, %scale : {q}, {k}, {k}, f32) outs(%e : {q}) {{
    ^bb0(%score: f32):
      iree_linalg_ext.yield %score : f32
  }} -> {q}
  return %o : {q}
}}
"""


class Engine:
    """IREE with its own operation for attention."""

    way, text = "iree_linalg_ext.attention", FUSED

    def __init__(self, threads):
        runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        self.version = importlib.metadata.version("iree-base-compiler")

    def ways(self, case, arrays):
        return {self.way: functools.partial(self.build, case, arrays)}

    def build(self, case, arrays):
        (batch,) = case.batch
        types = {
            "q": (batch, case.queries, case.size),
            "k": (batch, case.keys, case.size),
            "kt": (batch, case.size, case.keys),
            "s": (batch, case.queries, case.keys),
        }
        types = {n: f"tensor<{'x'.join(map(str, t))}xf32>" for n, t in types.items()}
        code = compiler.compile_str(
            self.text.format(**types, scale=case.size**-0.5),
            target_backends=["llvm-cpu"],
            extra_args=["--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"],
        )
        config = runtime.Config("local-task")
        module = runtime.load_vm_flatbuffer(code, driver="local-task")
        arguments = [runtime.asdevicearray(config.device, arrays[n]) for n in "qkv"]
        main = module.main

        def run():
            return main(*arguments)

        return run, lambda result: np.asarray(result.to_host())


class LinalgEngine(Engine):
    """IREE with upstream's operations, which it does not fuse."""

    way, text = "linalg", PLAIN
