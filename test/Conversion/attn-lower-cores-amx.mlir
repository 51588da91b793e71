// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-lower-cores --split-input-file | FileCheck %s

// Attention of bf16 by products of AMX tiles: 2 x 2 of scores, all of a depth of
// 64 at once, and 2 x 2 of sums, over the keys of a block. No call, as of memset,
// may come between.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @sdpa_bf16
// CHECK:       func.func private @sdpa
// CHECK-SAME:    passthrough = ["noinline", "no-builtins"]
// CHECK-COUNT-4: amx.tile_zero : !amx.tile<16x16xf32>
// CHECK-COUNT-8: amx.tile_mulf
// CHECK-COUNT-4: amx.tile_store
// CHECK-COUNT-4: amx.tile_load {{.*}} into !amx.tile<16x16xf32>
// CHECK:         scf.for {{.*}} iter_args({{.*}}) -> (!amx.tile<16x16xf32>, !amx.tile<16x16xf32>, !amx.tile<16x16xf32>, !amx.tile<16x16xf32>)
// CHECK-COUNT-4:   amx.tile_mulf
// CHECK:           scf.yield
// CHECK-COUNT-4: amx.tile_store
// CHECK-NOT:     amx.tile_zero
func.func @sdpa_bf16(%q: memref<?x?x64xbf16>, %k: memref<?x?x64xbf16>, %v: memref<?x?x32xbf16>, %y: memref<?x?x32xbf16>) {
  attn.sdpa %q, %k, %v outs(%y) {scale = 0.125 : f64} : (memref<?x?x64xbf16>, memref<?x?x64xbf16>, memref<?x?x32xbf16>, memref<?x?x32xbf16>) -> ()
  return
}
}

// -----

// Without products of bf16 there is none, and what is read is extended.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL: func.func @sdpa_extended
// CHECK-NOT:     amx.
// CHECK:         arith.extf {{.*}} : vector<16xbf16> to vector<16xf32>
// CHECK-NOT:     amx.
func.func @sdpa_extended(%q: memref<?x?x64xbf16>, %k: memref<?x?x64xbf16>, %v: memref<?x?x32xbf16>, %y: memref<?x?x32xbf16>) {
  attn.sdpa %q, %k, %v outs(%y) {scale = 0.125 : f64} : (memref<?x?x64xbf16>, memref<?x?x64xbf16>, memref<?x?x32xbf16>, memref<?x?x32xbf16>) -> ()
  return
}
}

// -----

// A product of bf16: a row or two without tiles, up to 16 with 1 x 2 at a time,
// more with 2 x 2.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @linear_bf16
// CHECK:       func.func private @linear
// CHECK:         scf.if
// CHECK:           omp.parallel
// CHECK-COUNT-16:    vector.fma {{.*}} : vector<16xf32>
// CHECK:         } else {
// CHECK:           omp.parallel
// CHECK:             vector.shuffle {{.*}} : vector<32xbf16>, vector<32xbf16>
// CHECK:             scf.if
// CHECK-COUNT-2:       amx.tile_zero
// CHECK:               scf.for {{.*}} -> (!amx.tile<16x16xf32>, !amx.tile<16x16xf32>)
// CHECK-COUNT-2:         amx.tile_mulf
// CHECK-NOT:             amx.tile_mulf
// CHECK-COUNT-2:       amx.tile_store
// CHECK:             } else {
// CHECK-COUNT-4:       amx.tile_zero
// CHECK:               scf.for {{.*}} -> (!amx.tile<16x16xf32>, !amx.tile<16x16xf32>, !amx.tile<16x16xf32>, !amx.tile<16x16xf32>)
// CHECK-COUNT-4:         amx.tile_mulf
// CHECK-COUNT-4:       amx.tile_store
// CHECK-NOT:         amx.tile_mulf
func.func @linear_bf16(%x: memref<?x512xbf16>, %w: memref<512x96xbf16>, %y: memref<?x96xbf16>) {
  attn.linear %x, %w outs(%y) {transposed} : (memref<?x512xbf16>, memref<512x96xbf16>, memref<?x96xbf16>) -> ()
  return
}
}

// -----

// A weight that is in tiles is read as it is: nothing of it is moved. Up to four
// rows are multiplied by vectors, in AMX's order; only where sums may be below the
// smallest normal number, which AMX takes for 0, by tiles. The first of other rows,
// for which it comes from memory, ask for the 16 lines of each tile of the next
// panel.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @linear_in_tiles
// CHECK:       func.func private @linear
// CHECK:         omp.parallel
// CHECK-NEXT:      memref.alloc{{.*}} : memref<16x2x16x32xbf16>
// CHECK-NEXT:      memref.alloc{{.*}} : memref<1x32x32xf32>
// CHECK-NEXT:      memref.alloc{{.*}} : memref<4x512xf32>
// CHECK-NEXT:      func.call @omp_get_thread_num
// CHECK-NOT:     vector.shuffle
// CHECK:           scf.if
// CHECK-COUNT-4:     vector.fma {{.*}} : vector<16xf32>
// CHECK:             scf.if
// CHECK-COUNT-8:       vector.fma {{.*}} : vector<16xf32>
// CHECK:               scf.if
// CHECK-COUNT-12:        vector.fma {{.*}} : vector<16xf32>
// CHECK-COUNT-16:        vector.fma {{.*}} : vector<16xf32>
// CHECK:             vector.reduction <minui>
// CHECK:             vector.reduction <minui>
// CHECK:             arith.cmpi uge
// CHECK:             scf.if
// CHECK-NOT:           amx.
// CHECK:             } else {
// CHECK-COUNT-2:       amx.tile_zero
// CHECK-NOT:           memref.prefetch
// CHECK-COUNT-2:       amx.tile_mulf
// CHECK-NOT:           amx.tile_mulf
// CHECK:             %[[FIRST:.*]] = arith.cmpi eq
// CHECK:             arith.cmpi slt
// CHECK:             scf.if
// CHECK:               scf.if %[[FIRST]]
// CHECK-COUNT-2:         amx.tile_zero
// CHECK-COUNT-16:        memref.prefetch {{.*}}, read, locality<2>
// CHECK:                 amx.tile_mulf
// CHECK-COUNT-16:        memref.prefetch {{.*}}, read, locality<2>
// CHECK:                 amx.tile_mulf
// CHECK:               } else {
// CHECK-COUNT-2:         amx.tile_zero
// CHECK-NOT:             memref.prefetch
// CHECK-COUNT-2:         amx.tile_mulf
// CHECK:             } else {
// CHECK:               scf.if %[[FIRST]]
// CHECK-COUNT-4:         amx.tile_zero
// CHECK-COUNT-32:        memref.prefetch
// CHECK-COUNT-2:         amx.tile_mulf
// CHECK:               } else {
// CHECK-COUNT-4:         amx.tile_zero
// CHECK-NOT:             memref.prefetch
// CHECK-COUNT-4:         amx.tile_mulf
// CHECK-NOT:         amx.tile_mulf
func.func @linear_in_tiles(%x: memref<?x512xbf16>, %w: memref<3x16x2x16x32xbf16>, %y: memref<?x96xbf16>) {
  attn.linear %x, %w outs(%y) : (memref<?x512xbf16>, memref<3x16x2x16x32xbf16>, memref<?x96xbf16>) -> ()
  return
}
}

// -----

// A feed-forward: for few rows one region, in which threads meet between the
// products; for many, each has rows of its own.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @mlp_in_tiles
// CHECK:       func.func private @mlp
// CHECK:         scf.if
// CHECK:           memref.alloc{{.*}} : memref<?x96xbf16>
// CHECK:           omp.parallel
// CHECK:             omp.barrier
// CHECK:             omp.terminator
// CHECK:           memref.alloc{{.*}} : memref<?x3x2x16x32xbf16>
// CHECK:           omp.parallel
// CHECK:             omp.barrier
// CHECK:             omp.terminator
// CHECK:         } else {
// CHECK:           omp.parallel
// CHECK:             memref.alloc{{.*}} : memref<64x3x2x16x32xbf16>
// CHECK-NOT:         omp.barrier
// CHECK:             omp.terminator
// CHECK:           }
func.func @mlp_in_tiles(%x: memref<?x64xbf16>, %w1: memref<3x2x2x16x32xbf16>, %w2: memref<2x3x2x16x32xbf16>, %y: memref<?x64xbf16>) {
  attn.mlp %x, %w1 activation relu, %w2 outs(%y) : (memref<?x64xbf16>, memref<3x2x2x16x32xbf16>, memref<2x3x2x16x32xbf16>, memref<?x64xbf16>) -> ()
  return
}
}

// -----

// Attention of f32 in three parts of bf16: for each of four sums, a step adds
// six products. Few queries or keys are computed by vectors.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @sdpa_f32
// CHECK-LABEL: func.func private @sdpa
// CHECK:         %[[FEW:.*]] = arith.constant 64 : index
// CHECK:         %[[LENGTH:.*]] = arith.minsi
// CHECK:         arith.cmpi slt, %[[LENGTH]], %[[FEW]]
// CHECK:         amx.tile_zero
// CHECK-COUNT-24: amx.tile_mulf {{.*}} : !amx.tile<16x32xbf16>, !amx.tile<16x32xbf16>, !amx.tile<16x16xf32>
// CHECK-NOT:     amx.tile_mulf
// CHECK:         amx.tile_store
// CHECK-COUNT-24: amx.tile_mulf
// CHECK-NOT:     amx.tile_mulf
func.func @sdpa_f32(%q: memref<?x?x64xf32>, %k: memref<?x?x64xf32>, %v: memref<?x?x32xf32>, %y: memref<?x?x32xf32>) {
  attn.sdpa %q, %k, %v outs(%y) {scale = 0.125 : f64} : (memref<?x?x64xf32>, memref<?x?x64xf32>, memref<?x?x32xf32>, memref<?x?x32xf32>) -> ()
  return
}
}

// -----

// With lengths, an entry must not depend on how long others are.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @sdpa_lengths
// CHECK-NOT:     amx.
func.func @sdpa_lengths(%q: memref<?x?x64xf32>, %k: memref<?x?x64xf32>, %v: memref<?x?x32xf32>, %lengths: memref<?xi32>, %y: memref<?x?x32xf32>) {
  attn.sdpa %q, %k, %v lengths(%lengths) outs(%y) {scale = 0.125 : f64} : (memref<?x?x64xf32>, memref<?x?x64xf32>, memref<?x?x32xf32>, memref<?xi32>, memref<?x?x32xf32>) -> ()
  return
}
}

// -----

// So is a product of f32 whose weight nobody has laid out before; a sum that is
// ∞ or NaN is computed once more.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @linear_f32
// CHECK:         memref.alloc{{.*}} : memref<?x2x6x16x32xbf16>
// CHECK:         memref.alloc{{.*}} : memref<3x2x6x16x32xbf16>
// CHECK-COUNT-24: amx.tile_mulf
// CHECK-NOT:     amx.tile_mulf
// CHECK:         arith.cmpf uno
func.func @linear_f32(%x: memref<?x64xf32>, %w: memref<96x64xf32>, %y: memref<?x96xf32>) {
  attn.linear %x, %w outs(%y) : (memref<?x64xf32>, memref<96x64xf32>, memref<?x96xf32>) -> ()
  return
}
}

// -----

// With a weight in panels it is one of vectors.

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+amx-bf16,+amx-tile,+avx512bf16,+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @linear_packed
// CHECK-NOT:     amx.
func.func @linear_packed(%x: memref<?x64xf32>, %w: memref<3x64x32xf32>, %y: memref<?x96xf32>) {
  attn.linear %x, %w outs(%y) : (memref<?x64xf32>, memref<3x64x32xf32>, memref<?x96xf32>) -> ()
  return
}
}
