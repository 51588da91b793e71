// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn run %s --emit=asm --target-cpu sapphirerapids | FileCheck %s --check-prefix=AMX
// RUN: attn run %s --emit=asm --target-cpu cascadelake | FileCheck %s --check-prefix=VNNI
// RUN: attn run %s --emit=asm --target-cpu alderlake | FileCheck %s --check-prefix=VEX
// RUN: attn run %s --emit=asm --target-cpu haswell | FileCheck %s --check-prefix=AVX2 --implicit-check-not=pmaddubsw --implicit-check-not="vpmovsxbw{{.%%}}"
// RUN: attn run %s --emit=asm --target-cpu x86-64 | FileCheck %s --check-prefix=SSE --implicit-check-not=pmaddubsw

// One product for each processor. Registers of tiles are configured once; vectors
// ask for the next panel.
// AMX:     ldtilecfg
// AMX-NOT: ldtilecfg
// AMX:     tdpbssd
// AMX-NOT: {{tileloadd|tilestored}} {{.*}}(%rsp
// VNNI-DAG: prefetcht1
// VNNI-DAG: vpdpbusd {{.*}}%zmm
// VEX:     {vex} vpdpbusd {{.*}}%ymm
// Four numbers of a row are one load; only weights are widened, as they are read.
// AVX2:    vpmovsxbw {{.*}}(
// AVX2:    vpbroadcastq {{.*}}(
// AVX2:    vpmaddwd {{.*}}%ymm
// SSE:     pmaddwd {{.*}}%xmm
attn.weights @layer {
  attn.weight @weight from ["w"] : tensor<100x128xi8>
  attn.weight @scales scales from ["w"] : tensor<100xf32>
}
func.func @linear(%x: tensor<?x128xf32>, %o: tensor<?x100xf32>) -> tensor<?x100xf32> {
  %w = attn.get_weight @layer::@weight : tensor<100x128xi8>
  %s = attn.get_weight @layer::@scales : tensor<100xf32>
  %r = attn.linear %x, %w scales(%s) outs(%o) : (tensor<?x128xf32>, tensor<100x128xi8>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return %r : tensor<?x100xf32>
}
