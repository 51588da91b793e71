// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-lower-cores --split-input-file --verify-diagnostics | FileCheck %s

// Equal cores share a kernel; matrices of rank 3 are flattened to rank 2. With
// 512-bit vectors a tile is 14 rows by 2 vectors, then 4 rows, then 2, then 1.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL: func.func @linear_twice
// CHECK:         %[[X:.*]] = memref.collapse_shape {{.*}} into memref<?x64xf32>
// CHECK:         call @[[KERNEL:linear.*]](%[[X]]
// CHECK:         call @[[KERNEL]](
// CHECK-NOT:     attn.linear
// CHECK:       func.func private @[[KERNEL]](
// CHECK-SAME:    memref<?x64xf32>, %{{.*}}: memref<2x64x32xf32>, %{{.*}}: memref<64xf32>, %{{.*}}: memref<?x64xf32>)
// CHECK-SAME:    passthrough = ["noinline"]
// CHECK:         omp.parallel if
// CHECK:         func.call @omp_get_thread_num
// CHECK-COUNT-28: vector.fma {{.*}} : vector<16xf32>
// CHECK:         scf.yield
// CHECK-COUNT-8: vector.fma {{.*}} : vector<16xf32>
// CHECK:         scf.yield
// CHECK-COUNT-4: vector.fma {{.*}} : vector<16xf32>
// CHECK:         scf.yield
// CHECK-COUNT-2: vector.fma {{.*}} : vector<16xf32>
// CHECK-NOT:     vector.fma
// CHECK:         omp.terminator
// CHECK-NOT:   func.func private @linear
func.func @linear_twice(%x: memref<?x?x64xf32>, %w: memref<2x64x32xf32>, %b: memref<64xf32>, %y: memref<?x?x64xf32>) {
  attn.linear %x, %w bias(%b) outs(%y) : (memref<?x?x64xf32>, memref<2x64x32xf32>, memref<64xf32>, memref<?x?x64xf32>) -> ()
  attn.linear %y, %w bias(%b) outs(%x) : (memref<?x?x64xf32>, memref<2x64x32xf32>, memref<64xf32>, memref<?x?x64xf32>) -> ()
  return
}
}

// -----

// Of a bias whose size is not known, no more is read than there are columns.

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
// CHECK-LABEL: func.func @unknown_bias
// CHECK:       func.func private @linear
// CHECK-NOT:     vector.load {{.*}} : memref<?xf32>
// CHECK:         vector.maskedload {{.*}} : memref<?xf32>
// CHECK-NOT:     vector.load {{.*}} : memref<?xf32>
// CHECK:         return
func.func @unknown_bias(%x: memref<?x8xf32>, %w: memref<24x8xf32>, %b: memref<?xf32>, %y: memref<?x24xf32>) {
  attn.linear %x, %w bias(%b) outs(%y) : (memref<?x8xf32>, memref<24x8xf32>, memref<?xf32>, memref<?x24xf32>) -> ()
  return
}
}

// -----

// With 256-bit vectors it is 6 rows by 2 vectors.

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
// CHECK-LABEL: func.func @avx2
// CHECK:       func.func private @linear
// CHECK-COUNT-12: vector.fma {{.*}} : vector<8xf32>
// CHECK:         scf.yield
func.func @avx2(%x: memref<?x64xf32>, %w: memref<4x64x16xf32>, %y: memref<?x64xf32>) {
  attn.linear %x, %w outs(%y) : (memref<?x64xf32>, memref<4x64x16xf32>, memref<?x64xf32>) -> ()
  return
}
}

// -----

// Without fused multiply-add there is none, rather than a library call.

module attributes {attn.target = #attn.target<cpu = "x86-64", features = "+sse2">} {
// CHECK-LABEL: func.func @sse
// CHECK:       func.func private @linear
// CHECK-NOT:     vector.fma
// CHECK:         arith.mulf {{.*}} : vector<4xf32>
// CHECK-NOT:     vector.fma
func.func @sse(%x: memref<?x64xf32>, %w: memref<8x64x8xf32>, %y: memref<?x64xf32>) {
  attn.linear %x, %w outs(%y) : (memref<?x64xf32>, memref<8x64x8xf32>, memref<?x64xf32>) -> ()
  return
}
}

// -----

// Columns past the last are masked. A weight that is not packed is, panel by
// panel: where the rows are one block each thread has memory for one panel, else
// the first rows leave all of them to the others.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL: func.func @tail
// CHECK:         call @linear
// CHECK:       func.func private @linear
// CHECK:         %[[ROWS:.*]] = memref.dim
// CHECK:         %[[IS_SHARED:.*]] = arith.cmpi sgt, %[[ROWS]], %c896
// CHECK:         %[[FIRST:.*]] = arith.select %[[IS_SHARED]], %c56, %[[ROWS]]
// CHECK:         %[[PANELS:.*]] = arith.select %[[IS_SHARED]], %c2, %c0
// CHECK:         %[[SHARED:.*]] = memref.alloc(%[[PANELS]]){{.*}} : memref<?x64x32xf32>
// CHECK:         omp.parallel
// CHECK-NEXT:      %[[OWN:.*]] = memref.alloc{{.*}} : memref<64x32xf32>
// CHECK:           %[[VIEW:.*]] = memref.subview %[[SHARED]]
// CHECK:           %[[CAST:.*]] = memref.cast %[[OWN]]
// CHECK:           %[[PANEL:.*]] = arith.select %[[IS_SHARED]], %[[VIEW]], %[[CAST]]
// CHECK:           vector.store %{{.*}}, %[[PANEL]]
// CHECK:           vector.maskedstore
// CHECK:         scf.if %[[IS_SHARED]] {
// CHECK:           omp.parallel
// CHECK:             vector.load %[[SHARED]]
// CHECK:             vector.maskedstore
// CHECK:         memref.dealloc %[[SHARED]]
func.func @tail(%x: memref<?x64xf32>, %w: memref<33x64xf32>, %y: memref<?x33xf32>) {
  attn.linear %x, %w outs(%y) : (memref<?x64xf32>, memref<33x64xf32>, memref<?x33xf32>) -> ()
  return
}
}

// -----

// One or two rows are multiplied by the weight as it lies.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL: func.func @transposed
// CHECK:       func.func private @linear
// CHECK:         scf.if
// CHECK:           omp.parallel
// CHECK-NEXT:        memref.alloc{{.*}} : memref<128xf32>
// CHECK-NEXT:        func.call @omp_get_thread_num
// CHECK-COUNT-8:   vector.load %arg1
// CHECK:         } else {
func.func @transposed(%x: memref<?x64xf32>, %w: memref<64x128xf32>, %y: memref<?x128xf32>) {
  attn.linear %x, %w outs(%y) {transposed} : (memref<?x64xf32>, memref<64x128xf32>, memref<?x128xf32>) -> ()
  return
}
}

// -----

// Of the hidden matrix of many rows, 512 columns of a block of rows exist at a
// time: so many rows that they take 3/8 of the second-level cache.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL: func.func @two_products
// CHECK:       func.func private @mlp
// CHECK:         scf.if
// CHECK:           memref.alloc({{.*}} : memref<?x2064xf32>
// CHECK:         } else {
// CHECK:           omp.parallel
// CHECK-NEXT:        memref.alloc{{.*}} : memref<182x528xf32>
// CHECK-NEXT:        func.call @omp_get_thread_num
// CHECK-NOT:     memref.alloc
// CHECK:         return
func.func @two_products(%x: memref<?x64xf32>, %w: memref<64x64x32xf32>, %v: memref<2x2048x32xf32>, %y: memref<?x64xf32>) {
  attn.mlp %x, %w activation relu, %v outs(%y) : (memref<?x64xf32>, memref<64x64x32xf32>, memref<2x2048x32xf32>, memref<?x64xf32>) -> ()
  return
}
}

// -----

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+avx512f,+avx512dq,+avx2,+fma", l1 = 49152, l2 = 2097152>} {
// CHECK-LABEL: func.func @larger_cache
// CHECK:           memref.alloc{{.*}} : memref<364x528xf32>
func.func @larger_cache(%x: memref<?x64xf32>, %w: memref<64x64x32xf32>, %v: memref<2x2048x32xf32>, %y: memref<?x64xf32>) {
  attn.mlp %x, %w activation relu, %v outs(%y) : (memref<?x64xf32>, memref<64x64x32xf32>, memref<2x2048x32xf32>, memref<?x64xf32>) -> ()
  return
}
}

// -----

// Attention never has a matrix of scores: where there are many queries, it
// keeps for each thread a tile of scores (14 rows, 256 keys), the sums of a block
// of queries (224 rows), and a block of keys in panels. Heads are a dimension of
// their own.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL: func.func @attention
// CHECK:         memref.transpose {{.*}} : memref<?x?x4x16xf32> to memref<?x4x?x16xf32, strided<[?, 16, 64, 1]>>
// CHECK:       func.func private @sdpa
// CHECK-NOT:     memref.alloc
// CHECK:         scf.if
// CHECK:           omp.parallel
// CHECK-NEXT:        memref.alloc{{.*}} : memref<14x256xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<252x16xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<267xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<267x16xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<16xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<8x16x32xf32>
// CHECK-NEXT:        func.call @omp_get_thread_num
// CHECK-NOT:     memref.alloc
// CHECK:           llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"
// CHECK:           llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// Few queries are computed one by one. What heads have of a key is adjacent:
// they take turns, and next keys and values are asked for.
// CHECK:         } else {
// CHECK:           omp.parallel
// CHECK-NEXT:        memref.alloc{{.*}} : memref<4x256xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<4x16xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<19xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<19x16xf32>
// CHECK-NEXT:        func.call @omp_get_thread_num
// CHECK-NOT:     memref.alloc
// CHECK:           memref.prefetch {{.*}} read, locality<2>, data : memref<?x4x?x16xf32, strided<[?, 16, 64, 1]>>
// CHECK:           memref.prefetch
// CHECK-NOT:     memref.alloc
// CHECK:         return
func.func @attention(%q: memref<?x?x64xf32>, %n: memref<?xi32>, %y: memref<?x?x64xf32>) {
  attn.sdpa %q, %q, %q lengths(%n) outs(%y) {heads = 4 : i64, scale = 0.25 : f64}
    : (memref<?x?x64xf32>, memref<?x?x64xf32>, memref<?x?x64xf32>, memref<?xi32>, memref<?x?x64xf32>) -> ()
  return
}
}

// -----

// Queries whose rows are apart by a number that is not known are copied.

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
// CHECK-LABEL: func.func @strided
// CHECK:       func.func private @sdpa
// CHECK:           omp.parallel
// CHECK:             memref.alloc{{.*}} : memref<8x16x32xf32>
// CHECK-NEXT:        memref.alloc{{.*}} : memref<252x16xf32>
// CHECK-NEXT:        func.call @omp_get_thread_num
// Keys of one head are adjacent here: each head goes through them by itself.
// CHECK:           omp.parallel
// CHECK-NEXT:        memref.alloc{{.*}} : memref<1x256xf32>
// CHECK-NOT:     memref.prefetch
// CHECK:         return
func.func @strided(%q: memref<1x2x?x16xf32, strided<[?, ?, ?, 1]>>, %k: memref<1x2x?x16xf32>, %y: memref<1x2x?x16xf32>) {
  attn.sdpa %q, %k, %k outs(%y) {scale = 0.25 : f64}
    : (memref<1x2x?x16xf32, strided<[?, ?, ?, 1]>>, memref<1x2x?x16xf32>, memref<1x2x?x16xf32>, memref<1x2x?x16xf32>) -> ()
  return
}
}

// -----

// expected-error @below {{expected the module attribute 'attn.target' to generate code for}}
module {
func.func @no_target(%x: memref<4x8xf32>, %y: memref<4x8xf32>) {
  attn.softmax %x outs(%y) : (memref<4x8xf32>, memref<4x8xf32>) -> ()
  return
}
}

// -----

func.func @half(%x: memref<4x8xf16>, %y: memref<4x8xf16>) {
  // expected-error @below {{expected operands of f32 to generate code for, got 'memref<4x8xf16>'}}
  attn.softmax %x outs(%y) : (memref<4x8xf16>, memref<4x8xf16>) -> ()
  return
}

// -----

func.func @long_heads(%q: memref<1x2x8589934592xf32>) {
  // expected-error @below {{expected heads of 1 to 65536 columns to generate code for, got 'memref<1x2x8589934592xf32>'}}
  attn.sdpa %q, %q, %q outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (memref<1x2x8589934592xf32>, memref<1x2x8589934592xf32>, memref<1x2x8589934592xf32>, memref<1x2x8589934592xf32>) -> ()
  return
}

// -----

func.func @empty_heads(%q: memref<2x3x0xf32>, %v: memref<2x3x8xf32>) {
  // expected-error @below {{expected heads of 1 to 65536 columns to generate code for, got 'memref<2x3x0xf32>'}}
  attn.sdpa %q, %q, %v outs(%v) {heads = 1 : i64, scale = 0.5 : f64} : (memref<2x3x0xf32>, memref<2x3x0xf32>, memref<2x3x8xf32>, memref<2x3x8xf32>) -> ()
  return
}

// -----

func.func @tensors(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @below {{expected memrefs here, got 'tensor<4x8xf32>'; hint: run --one-shot-bufferize first}}
  %r = attn.softmax %x outs(%y) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f,+avx512dq,+avx2,+fma">} {
func.func @tiles(%x: memref<4x8xbf16>, %w: memref<1x1x2x16x32xbf16>, %y: memref<4x8xbf16>) {
  // expected-error @below {{expected a weight in tiles only as 'panel 32 by 2' of bf16, for a target with AVX512-BF16, got 'memref<1x1x2x16x32xbf16>'}}
  attn.linear %x, %w outs(%y) : (memref<4x8xbf16>, memref<1x1x2x16x32xbf16>, memref<4x8xbf16>) -> ()
  return
}
}

// -----

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
func.func @panels(%x: memref<4x8xf32>, %w: memref<1x8x32xf32>, %y: memref<4x32xf32>) {
  // expected-error @below {{expected a weight in panels of 16 columns to generate code for this target, got 'memref<1x8x32xf32>'}}
  attn.linear %x, %w outs(%y) : (memref<4x8xf32>, memref<1x8x32xf32>, memref<4x32xf32>) -> ()
  return
}
}

// -----

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
func.func @table(%i: memref<2x3xi32>, %t: memref<16x8xi8>, %s: memref<16xf32>, %y: memref<2x3x8xf32>) {
  // expected-error @below {{expected a weight of i8 as 'panel 32 by 4', got 'memref<16x8xi8>'; hint: run --attn-pack-weights first; only an 'attn.weight' can be packed}}
  attn.lookup %i, %t scales(%s) outs(%y) : (memref<2x3xi32>, memref<16x8xi8>, memref<16xf32>, memref<2x3x8xf32>) -> ()
  return
}
}

// -----

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
func.func @integers(%x: memref<4x8xf32>, %w: memref<16x8xi8>, %s: memref<16xf32>, %y: memref<4x16xf32>) {
  // expected-error @below {{expected a weight of i8 as 'panel 32 by 4', got 'memref<16x8xi8>'; hint: run --attn-pack-weights first; only an 'attn.weight' can be packed}}
  attn.linear %x, %w scales(%s) outs(%y) : (memref<4x8xf32>, memref<16x8xi8>, memref<16xf32>, memref<4x16xf32>) -> ()
  return
}
}

// -----

// A tile of logits asks for where it will be written. Of each block of logits,
// rows are summarised as many at a time as a vector has lanes.

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
// CHECK-LABEL: func.func @logits(
// CHECK:         call @[[KERNEL:logits[_0-9]*]](
// CHECK:       func.func private @[[KERNEL]](
// CHECK:         omp.parallel if
// CHECK:         memref.prefetch {{.*}} : memref<?x64xf32, strided<[64, 1], offset: ?>>
// CHECK:         vector.fma {{.*}} : vector<8xf32>
// CHECK-COUNT-4: vector.maskedstore {{.*}} : memref<3x?xf32>, vector<8xi1>, vector<8xf32>
// CHECK:         omp.terminator
func.func @logits(%x: memref<?x64xf32>, %w: memref<5x64x16xf32>, %b: memref<80xf32>, %v: memref<2x?x64xf32>, %m: memref<3x?xf32>, %s: memref<3x?xf32>) {
  attn.logits %x, %w bias(%b) columns 75 outs(%v, %m, %s) : (memref<?x64xf32>, memref<5x64x16xf32>, memref<80xf32>, memref<2x?x64xf32>, memref<3x?xf32>, memref<3x?xf32>) -> ()
  return
}
}

// -----

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
func.func @narrow_blocks(%x: memref<?x64xf32>, %w: memref<40x64xf32>, %v: memref<2x?x24xf32>, %m: memref<3x?xf32>, %s: memref<3x?xf32>) {
  // expected-error @below {{expected blocks of a multiple of 16 columns to generate code for this target, got 24}}
  attn.logits %x, %w columns 40 outs(%v, %m, %s) : (memref<?x64xf32>, memref<40x64xf32>, memref<2x?x24xf32>, memref<3x?xf32>, memref<3x?xf32>) -> ()
  return
}
}

// -----

// Integers bound the products of a panel; where it may have the greatest one of
// a row, it is computed in floats.

module attributes {attn.target = #attn.target<cpu = "cascadelake", features = "+avx512f,+avx512vnni">} {
// CHECK-LABEL: func.func @greatest(
// CHECK:         call @[[KERNEL:greatest[_0-9]*]](
// CHECK:       func.func private @[[KERNEL]](
// CHECK:         math.sqrt
// CHECK:         omp.parallel if
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:         vector.maskedstore {{.*}} : memref<3x?xf32>, vector<16xi1>, vector<16xf32>
// CHECK:         omp.barrier
// CHECK:         scf.while
// CHECK:         memref.load {{.*}} : memref<?x64xf32>
// CHECK:         omp.barrier
// CHECK:         math.cttz
// CHECK:         memref.store {{.*}} : memref<?xi32>
// CHECK:         omp.terminator
func.func @greatest(%x: memref<?x64xf32>, %w: memref<3x64x32xf32>, %i: memref<3x1x2x16x64xi8>, %v: memref<96xf32>, %n: memref<3xf32>, %o: memref<?xi32>) {
  attn.greatest %x, %w estimate(%i, %v, %n, %n) columns 75 outs(%o) : (memref<?x64xf32>, memref<3x64x32xf32>, memref<3x1x2x16x64xi8>, memref<96xf32>, memref<3xf32>, memref<3xf32>, memref<?xi32>) -> ()
  return
}
}

// -----

module attributes {attn.target = #attn.target<cpu = "cascadelake", features = "+avx512f,+avx512vnni">} {
func.func @not_in_tiles(%x: memref<?x64xf32>, %w: memref<75x64xf32>, %i: memref<75x64xi8>, %v: memref<75xf32>, %n: memref<3xf32>, %o: memref<?xi32>) {
  // expected-error @below {{expected a weight of i8 as 'panel 32 by 4', got 'memref<75x64xi8>'; hint: run --attn-pack-weights first; only an 'attn.weight' can be packed}}
  attn.greatest %x, %w estimate(%i, %v, %n, %n) columns 75 outs(%o) : (memref<?x64xf32>, memref<75x64xf32>, memref<75x64xi8>, memref<75xf32>, memref<3xf32>, memref<3xf32>, memref<?xi32>) -> ()
  return
}
}

// -----

// Of no rows, there is nothing to compute.

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
// CHECK-LABEL: func.func @no_rows
// CHECK-NEXT:    return
// CHECK-NOT:   func.func
func.func @no_rows(%x: memref<0x64xf32>, %w: memref<100x64xf32>, %v: memref<2x0x64xf32>, %m: memref<3x0xf32>, %y: memref<0x100xf32>) {
  attn.logits %x, %w columns 100 outs(%v, %m, %m) : (memref<0x64xf32>, memref<100x64xf32>, memref<2x0x64xf32>, memref<3x0xf32>, memref<3x0xf32>) -> ()
  attn.linear %x, %w outs(%y) : (memref<0x64xf32>, memref<100x64xf32>, memref<0x100xf32>) -> ()
  return
}
}
