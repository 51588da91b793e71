// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn run %s --emit=asm --target-cpu sapphirerapids | FileCheck %s --implicit-check-not=memset --implicit-check-not=memcpy

// The registers of tiles are configured once, and no tile leaves them but for
// memory that is the kernel's.
// CHECK-LABEL: {{^}}sdpa_region..omp_par:
// CHECK:         ldtilecfg
// CHECK-NOT:     ldtilecfg
// CHECK:         tdpbf16ps
// CHECK-NOT:     {{tileloadd|tilestored}} {{.*}}(%rsp
// CHECK-NOT:     ldtilecfg
// CHECK:         tilerelease
func.func @attention(%q: tensor<1x8x?x64xbf16>, %k: tensor<1x8x?x64xbf16>, %v: tensor<1x8x?x64xbf16>, %out: tensor<1x8x?x64xbf16>) -> tensor<1x8x?x64xbf16> {
  %r = attn.sdpa %q, %k, %v outs(%out) {scale = 0.125 : f64} : (tensor<1x8x?x64xbf16>, tensor<1x8x?x64xbf16>, tensor<1x8x?x64xbf16>, tensor<1x8x?x64xbf16>) -> tensor<1x8x?x64xbf16>
  return %r : tensor<1x8x?x64xbf16>
}
