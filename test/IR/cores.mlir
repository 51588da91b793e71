// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s
// RUN: attn-opt %s --emit-bytecode | attn-opt | FileCheck %s

// CHECK-LABEL: func.func @lookup(
func.func @lookup(%ids: tensor<?x?xi32>, %t: tensor<100x16xf16>, %p: tensor<32x16xf32>, %o: tensor<?xi32>, %out: tensor<?x?x16xf32>,
                  %mids: memref<?x?xi32>, %mt: memref<100x16xf32>, %mout: memref<?x?x16xf32>) {
  // CHECK: attn.lookup %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) : (tensor<?x?xi32>, tensor<100x16xf16>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %0 = attn.lookup %ids, %t outs(%out) {scale = 1.0 : f64} : (tensor<?x?xi32>, tensor<100x16xf16>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.lookup %{{.*}}, %{{.*}} positions(%{{.*}}) offsets(%{{.*}}) outs(%{{.*}}) {scale = 4.000000e+00 : f64}
  %1 = attn.lookup %ids, %t positions(%p) offsets(%o) outs(%out) {scale = 4.0 : f64} : (tensor<?x?xi32>, tensor<100x16xf16>, tensor<32x16xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.lookup %{{.*}}, %{{.*}} outs(%{{.*}}) : (memref<?x?xi32>, memref<100x16xf32>, memref<?x?x16xf32>) -> ()
  attn.lookup %mids, %mt outs(%mout) : (memref<?x?xi32>, memref<100x16xf32>, memref<?x?x16xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @linear(
func.func @linear(%x: tensor<?x?x16xf32>, %w: tensor<100x16xf16>, %b: tensor<100xbf16>, %r: tensor<?x?x100xf32>,
                  %pw: tensor<7x16x16xf32>, %pb: tensor<112xf32>, %row: tensor<16xf32>, %ro: tensor<100xf32>,
                  %mx: memref<?x?x16xf32, strided<[?, 48, 1], offset: 16>>, %mw: memref<7x16x16xf32>, %mo: memref<?x?x100xf32>) {
  // CHECK: attn.linear %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<100x16xf16>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %0 = attn.linear %x, %w outs(%r) : (tensor<?x?x16xf32>, tensor<100x16xf16>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%{{.*}}) activation gelu outs(%{{.*}}) {note = "kept"}
  %1 = attn.linear %x, %w bias(%b) residual(%r) activation gelu outs(%r) {note = "kept"} : (tensor<?x?x16xf32>, tensor<100x16xf16>, tensor<100xbf16>, tensor<?x?x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  // In panels of 16.
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %2 = attn.linear %x, %pw bias(%pb) outs(%r) : (tensor<?x?x16xf32>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  // CHECK: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<16xf32>, tensor<100x16xf16>, tensor<100xf32>) -> tensor<100xf32>
  %3 = attn.linear %row, %w outs(%ro) : (tensor<16xf32>, tensor<100x16xf16>, tensor<100xf32>) -> tensor<100xf32>
  // CHECK: attn.linear %{{.*}}, %{{.*}} activation silu outs(%{{.*}}) : (memref<?x?x16xf32, strided<[?, 48, 1], offset: 16>>, memref<7x16x16xf32>, memref<?x?x100xf32>) -> ()
  attn.linear %mx, %mw activation silu outs(%mo) : (memref<?x?x16xf32, strided<[?, 48, 1], offset: 16>>, memref<7x16x16xf32>, memref<?x?x100xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @layer_norm(
func.func @layer_norm(%x: tensor<?x?x16xf32>, %w: tensor<16xf32>, %o: tensor<?x?x16xf32>, %mx: memref<4x16xf32>, %mw: memref<16xf32>) {
  // CHECK: attn.layer_norm %{{.*}}, %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %0 = attn.layer_norm %x, %w, %w outs(%o) : (tensor<?x?x16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.layer_norm %{{.*}}, %{{.*}}, %{{.*}} outs(%{{.*}}) {epsilon = 5.000000e-01 : f64} : (memref<4x16xf32>, memref<16xf32>, memref<16xf32>, memref<4x16xf32>) -> ()
  attn.layer_norm %mx, %mw, %mw outs(%mx) {epsilon = 0.5 : f64} : (memref<4x16xf32>, memref<16xf32>, memref<16xf32>, memref<4x16xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @attention(
func.func @attention(%q: tensor<?x?x16xf32>, %k: tensor<?x?x16xf32>, %v: tensor<?x?x24xf32>, %n: tensor<?xi32>, %rows: tensor<?x?xi32>,
                     %s: tensor<?x4x?x?xf32>, %o: tensor<?x?x24xf32>, %mk: memref<?x?x16xf32>, %mo: memref<?x?x16xf32>) {
  // CHECK: %[[S:.*]] = attn.scores %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %0 = attn.scores %q, %k outs(%s) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  // CHECK: attn.scores %{{.*}}, %{{.*}} lengths(%{{.*}}) outs(%{{.*}}) {causal, heads = 4 : i64, scale = 5.000000e-01 : f64}
  %1 = attn.scores %q, %k lengths(%n) outs(%s) {causal, heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  // CHECK: attn.softmax %[[S]] outs(%{{.*}}) : (tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %2 = attn.softmax %0 outs(%s) : (tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  // CHECK: attn.weighted_sum %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<?x4x?x?xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %3 = attn.weighted_sum %2, %v outs(%o) : (tensor<?x4x?x?xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64}
  %4 = attn.sdpa %q, %k, %v outs(%o) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} positions(%{{.*}}) rows(%{{.*}}) outs(%{{[^ ]*}}, %{{[^ ]*}}) {causal, heads = 4 : i64, scale = 5.000000e-01 : f64} : {{.*}} -> (tensor<?x?x24xf32>, tensor<?x4x?x?xf32>)
  %5:2 = attn.sdpa %q, %k, %v positions(%n) rows(%rows) outs(%o, %s) {causal, heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<?xi32>, tensor<?x?xi32>, tensor<?x?x24xf32>, tensor<?x4x?x?xf32>) -> (tensor<?x?x24xf32>, tensor<?x4x?x?xf32>)
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} rows(%{{.*}}) outs
  %6 = attn.sdpa %q, %k, %v rows(%n) outs(%o) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x24xf32>, tensor<?xi32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  // CHECK: attn.sdpa %{{.*}} : (memref<?x?x16xf32>, memref<?x?x16xf32>, memref<?x?x16xf32>, memref<?x?x16xf32>) -> ()
  attn.sdpa %mk, %mk, %mk outs(%mo) {heads = 4 : i64, scale = 0.5 : f64} : (memref<?x?x16xf32>, memref<?x?x16xf32>, memref<?x?x16xf32>, memref<?x?x16xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @cache_append(
func.func @cache_append(%x: tensor<?x?x16xf32>, %p: tensor<?xi32>, %c: tensor<8x64x16xf32>, %mx: memref<?x?x16xf32>, %mp: memref<?xi32>, %mc: memref<8x64x16xf32>) {
  // CHECK: attn.cache_append %{{.*}} at %{{.*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<8x64x16xf32>) -> tensor<8x64x16xf32>
  %0 = attn.cache_append %x at %p outs(%c) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<8x64x16xf32>) -> tensor<8x64x16xf32>
  // CHECK: attn.cache_append %{{.*}} at %{{.*}} outs(%{{.*}}) : (memref<?x?x16xf32>, memref<?xi32>, memref<8x64x16xf32>) -> ()
  attn.cache_append %mx at %mp outs(%mc) : (memref<?x?x16xf32>, memref<?xi32>, memref<8x64x16xf32>) -> ()
  return
}
