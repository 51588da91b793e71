// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions of bf16 are computed in f32, on processors that cannot round to bf16, too:
// without a library that rounds.
// RUN: attn run %s --emit=asm --target-cpu x86-64 | FileCheck %s
// RUN: attn run %s --emit=asm --target-cpu haswell | FileCheck %s
// RUN: attn run %s --emit=asm --target-cpu skylake-avx512 | FileCheck %s
// RUN: attn run %s --random-inputs 1 --shapes 37 | FileCheck %s --check-prefix=RESULT
// RESULT: result0: bf16 [37]

#map = affine_map<(i) -> (i)>

// CHECK-LABEL: functions
// CHECK-NOT:   truncsfbf2
// CHECK-NOT:   extendbfsf2
func.func @functions(%x: tensor<?xbf16>) -> tensor<?xbf16> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xbf16>
  %out = tensor.empty(%n) : tensor<?xbf16>
  %y = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]}
      ins(%x : tensor<?xbf16>) outs(%out : tensor<?xbf16>) {
    ^bb0(%a: bf16, %b: bf16):
      %exp = math.exp %a : bf16
      %erf = math.erf %exp : bf16
      %tanh = math.tanh %erf : bf16
      %root = math.rsqrt %exp : bf16
      %power = math.powf %root, %tanh : bf16
      %whole = math.roundeven %power : bf16
      %sum = math.fma %whole, %tanh, %power : bf16
      %inside = math.clampf %sum to [%tanh, %exp] : bf16
      linalg.yield %inside : bf16
  } -> tensor<?xbf16>
  return %y : tensor<?xbf16>
}
