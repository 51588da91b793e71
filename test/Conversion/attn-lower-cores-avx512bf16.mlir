// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-lower-cores --split-input-file | FileCheck %s --implicit-check-not=amx.

// A weight of bf16 in tiles is read as it is: nothing of it is moved. Eight rows
// by two vectors at a time, then what they leave.

module attributes {attn.target = #attn.target<cpu = "znver4", features = "+avx512bf16,+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL:    func.func @linear_in_tiles
// CHECK:          func.func private @linear
// CHECK:            omp.parallel
// CHECK-NOT:        vector.shuffle
// CHECK-NOT:        vector.fma
// CHECK:            scf.for {{.*}} step %c8
// CHECK-COUNT-16:     "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK:            scf.for {{.*}} step %c4
// CHECK-COUNT-8:      "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK:            scf.for {{.*}} step %c2
// CHECK-COUNT-4:      "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK:            scf.for {{.*}} step %c1
// CHECK-COUNT-2:      "llvm.x86.avx512bf16.dpbf16ps.512"
func.func @linear_in_tiles(%x: memref<?x256xbf16>, %w: memref<3x8x2x16x32xbf16>, %y: memref<?x96xbf16>) {
  attn.linear %x, %w outs(%y) : (memref<?x256xbf16>, memref<3x8x2x16x32xbf16>, memref<?x96xbf16>) -> ()
  return
}
}

// -----

// Of one that is in rows, those of two rows alternately make pairs: for few rows
// of the input in registers, else in tiles.

module attributes {attn.target = #attn.target<cpu = "znver4", features = "+avx512bf16,+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL:    func.func @linear_transposed
// CHECK:          func.func private @linear
// CHECK:            scf.if
// CHECK:              omp.parallel
// CHECK-COUNT-8:        "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK:            } else {
// CHECK:              omp.parallel
// CHECK:                vector.shuffle {{.*}} : vector<32xbf16>, vector<32xbf16>
// CHECK-COUNT-16:       "llvm.x86.avx512bf16.dpbf16ps.512"
func.func @linear_transposed(%x: memref<?x256xbf16>, %w: memref<256x96xbf16>, %y: memref<?x96xbf16>) {
  attn.linear %x, %w outs(%y) {transposed} : (memref<?x256xbf16>, memref<256x96xbf16>, memref<?x96xbf16>) -> ()
  return
}
}

// -----

// Both products of attention: scores of a depth of 64, which start from 0, and
// sums, which go on.

module attributes {attn.target = #attn.target<cpu = "znver4", features = "+avx512bf16,+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL:    func.func @sdpa_bf16
// CHECK:          func.func private @sdpa
// CHECK-COUNT-16:   "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK-COUNT-16:   vector.load {{.*}} : memref<{{.*}}x32xf32>, vector<16xf32>
// CHECK-COUNT-16:   "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK-COUNT-16:   vector.store {{.*}} : memref<{{.*}}x32xf32>, vector<16xf32>
func.func @sdpa_bf16(%q: memref<?x?x64xbf16>, %k: memref<?x?x64xbf16>, %v: memref<?x?x32xbf16>, %y: memref<?x?x32xbf16>) {
  attn.sdpa %q, %k, %v outs(%y) {scale = 0.125 : f64} : (memref<?x?x64xbf16>, memref<?x?x64xbf16>, memref<?x?x32xbf16>, memref<?x?x32xbf16>) -> ()
  return
}
}
