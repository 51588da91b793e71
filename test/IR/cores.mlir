// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s
// RUN: attn-opt %s --emit-bytecode | attn-opt | FileCheck %s

// CHECK-LABEL: func.func @lookup(
func.func @lookup(%integers: tensor<100x16xi8>, %scales: tensor<100xf32>, %tiles: tensor<4x1x2x16x64xi8>, %tile_scales: tensor<128xf32>, %ids: tensor<?x?xi32>, %t: tensor<100x16xf16>, %p: tensor<32x16xf32>, %o: tensor<?xi32>, %out: tensor<?x?x16xf32>,
                  %mids: memref<?x?xi32>, %mt: memref<100x16xf32>, %mout: memref<?x?x16xf32>) {
  // CHECK: attn.lookup %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) : (tensor<?x?xi32>, tensor<100x16xf16>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %0 = attn.lookup %ids, %t outs(%out) {scale = 1.0 : f64} : (tensor<?x?xi32>, tensor<100x16xf16>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.lookup %{{.*}}, %{{.*}} positions(%{{.*}}) offsets(%{{.*}}) outs(%{{.*}}) {scale = 4.000000e+00 : f64}
  %1 = attn.lookup %ids, %t positions(%p) offsets(%o) outs(%out) {scale = 4.0 : f64} : (tensor<?x?xi32>, tensor<100x16xf16>, tensor<32x16xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.lookup %{{.*}}, %{{.*}} scales(%{{.*}}) positions(%{{.*}}) outs(%{{.*}}) : (tensor<?x?xi32>, tensor<100x16xi8>, tensor<100xf32>, tensor<32x16xf32>, tensor<?x?x16xf32>)
  %i = attn.lookup %ids, %integers scales(%scales) positions(%p) outs(%out) : (tensor<?x?xi32>, tensor<100x16xi8>, tensor<100xf32>, tensor<32x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.lookup %{{.*}}, %{{.*}} scales(%{{.*}}) outs(%{{.*}}) {rows = 100 : i64} : (tensor<?x?xi32>, tensor<4x1x2x16x64xi8>, tensor<128xf32>, tensor<?x?x16xf32>)
  %j = attn.lookup %ids, %tiles scales(%tile_scales) outs(%out) {rows = 100} : (tensor<?x?xi32>, tensor<4x1x2x16x64xi8>, tensor<128xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.lookup %{{.*}}, %{{.*}} outs(%{{.*}}) : (memref<?x?xi32>, memref<100x16xf32>, memref<?x?x16xf32>) -> ()
  attn.lookup %mids, %mt outs(%mout) : (memref<?x?xi32>, memref<100x16xf32>, memref<?x?x16xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @linear(
func.func @linear(%integers: tensor<100x16xi8>, %scales: tensor<100xf32>, %x: tensor<?x?x16xf32>, %w: tensor<100x16xf32>, %wt: tensor<16x100xf32>, %b: tensor<100xf32>, %r: tensor<?x?x100xf32>,
                  %hx: tensor<?x16xf16>, %hw: tensor<100x16xf16>, %hb: tensor<100xf16>, %fb: tensor<100xf32>, %ho: tensor<?x100xf16>, %fo: tensor<?x100xf32>,
                  %pw: tensor<7x16x16xf32>, %pb: tensor<112xf32>, %row: tensor<16xf32>, %ro: tensor<100xf32>,
                  %mx: memref<?x?x16xf32, strided<[?, 48, 1], offset: 16>>, %mw: memref<7x16x16xf32>, %mo: memref<?x?x100xf32>) {
  // CHECK: attn.linear %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %0 = attn.linear %x, %w outs(%r) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%{{.*}}) activation gelu outs(%{{.*}}) {note = "kept"}
  %1 = attn.linear %x, %w bias(%b) residual(%r) activation gelu outs(%r) {note = "kept"} : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<100xf32>, tensor<?x?x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  // In panels of 16.
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %2 = attn.linear %x, %pw bias(%pb) outs(%r) : (tensor<?x?x16xf32>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %tiles = tensor.empty() : tensor<4x1x2x16x32xbf16>
  %bx = tensor.empty() : tensor<3x16xbf16>
  %bo = tensor.empty() : tensor<3x100xbf16>
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) outs(%{{.*}}) : (tensor<3x16xbf16>, tensor<4x1x2x16x32xbf16>, tensor<128xf32>, tensor<3x100xbf16>) -> tensor<3x100xbf16>
  %tile_bias = tensor.empty() : tensor<128xf32>
  %tiled = attn.linear %bx, %tiles bias(%tile_bias) outs(%bo) : (tensor<3x16xbf16>, tensor<4x1x2x16x32xbf16>, tensor<128xf32>, tensor<3x100xbf16>) -> tensor<3x100xbf16>
  // CHECK: attn.linear %{{.*}}, %{{.*}} scales(%{{.*}}) bias(%{{.*}}) outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<100x16xi8>, tensor<100xf32>, tensor<100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %i = attn.linear %x, %integers scales(%scales) bias(%b) outs(%r) : (tensor<?x?x16xf32>, tensor<100x16xi8>, tensor<100xf32>, tensor<100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  // CHECK: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<16xf32>, tensor<100x16xf32>, tensor<100xf32>) -> tensor<100xf32>
  %3 = attn.linear %row, %w outs(%ro) : (tensor<16xf32>, tensor<100x16xf32>, tensor<100xf32>) -> tensor<100xf32>
  // CHECK: attn.linear %{{.*}}, %{{.*}} activation silu outs(%{{.*}}) : (memref<?x?x16xf32, strided<[?, 48, 1], offset: 16>>, memref<7x16x16xf32>, memref<?x?x100xf32>) -> ()
  attn.linear %mx, %mw activation silu outs(%mo) : (memref<?x?x16xf32, strided<[?, 48, 1], offset: 16>>, memref<7x16x16xf32>, memref<?x?x100xf32>) -> ()
  // CHECK: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) {transposed} : (tensor<?x?x16xf32>, tensor<16x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %4 = attn.linear %x, %wt outs(%r) {transposed} : (tensor<?x?x16xf32>, tensor<16x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  // What is summed in f32 may stay in it; a weight in panels may be of any type.
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%{{.*}}) outs(%{{.*}}) : (tensor<?x16xf16>, tensor<100x16xf16>, tensor<100xf16>, tensor<?x100xf32>, tensor<?x100xf16>) -> tensor<?x100xf16>
  %5 = attn.linear %hx, %hw bias(%hb) residual(%fo) outs(%ho) : (tensor<?x16xf16>, tensor<100x16xf16>, tensor<100xf16>, tensor<?x100xf32>, tensor<?x100xf16>) -> tensor<?x100xf16>
  // CHECK: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) residual(%{{.*}}) outs(%{{.*}}) : (tensor<?x16xf16>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<?x100xf16>, tensor<?x100xf32>) -> tensor<?x100xf32>
  %6 = attn.linear %hx, %pw bias(%pb) residual(%ho) outs(%fo) : (tensor<?x16xf16>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<?x100xf16>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// CHECK-LABEL: func.func @mlp(
func.func @mlp(%x: tensor<?x?x16xf32>, %w1: tensor<100x16xf32>, %t1: tensor<16x100xf32>, %b1: tensor<100xf32>, %w2: tensor<16x100xf32>, %t2: tensor<100x16xf32>,
               %b2: tensor<16xf32>, %p1: tensor<7x16x16xf32>, %pb1: tensor<112xf32>, %p2: tensor<1x100x16xf32>, %o: tensor<?x?x16xf32>, %hx: tensor<?x16xbf16>,
               %hw: tensor<100x16xbf16>, %hb: tensor<16xbf16>, %ho: tensor<?x16xbf16>, %mx: memref<?x16xf32>, %mw: memref<100x16xf32>) {
  // CHECK: attn.mlp %{{[^ ]*}}, %{{[^ ]*}} activation relu, %{{[^ ]*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<16x100xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %0 = attn.mlp %x, %w1 activation relu, %w2 outs(%o) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<16x100xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.mlp %{{[^ ]*}}, %{{[^ ]*}} bias(%{{.*}}) activation gelu, %{{[^ ]*}} bias(%{{.*}}) residual(%{{.*}}) outs(%{{.*}}) {hidden_transposed, transposed}
  %1 = attn.mlp %x, %t1 bias(%b1) activation gelu, %t2 bias(%b2) residual(%x) outs(%o) {hidden_transposed, transposed} : (tensor<?x?x16xf32>, tensor<16x100xf32>, tensor<100xf32>, tensor<100x16xf32>, tensor<16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // In panels of 16.
  // CHECK: attn.mlp %{{[^ ]*}}, %{{[^ ]*}} bias(%{{.*}}) activation silu, %{{[^ ]*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<1x100x16xf32>, tensor<?x?x16xf32>)
  %2 = attn.mlp %x, %p1 bias(%pb1) activation silu, %p2 outs(%o) : (tensor<?x?x16xf32>, tensor<7x16x16xf32>, tensor<112xf32>, tensor<1x100x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.mlp %{{.*}} {transposed} : (tensor<?x16xbf16>, tensor<100x16xbf16>, tensor<100xf32>, tensor<100x16xbf16>, tensor<16xbf16>, tensor<?x16xbf16>) -> tensor<?x16xbf16>
  %3 = attn.mlp %hx, %hw bias(%b1) activation relu, %hw bias(%hb) outs(%ho) {transposed} : (tensor<?x16xbf16>, tensor<100x16xbf16>, tensor<100xf32>, tensor<100x16xbf16>, tensor<16xbf16>, tensor<?x16xbf16>) -> tensor<?x16xbf16>
  // CHECK: attn.mlp %{{.*}} {transposed} : (memref<?x16xf32>, memref<100x16xf32>, memref<100x16xf32>, memref<?x16xf32>) -> ()
  attn.mlp %mx, %mw activation relu, %mw outs(%mx) {transposed} : (memref<?x16xf32>, memref<100x16xf32>, memref<100x16xf32>, memref<?x16xf32>) -> ()
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

// CHECK-LABEL: func.func @attention_by_head(
func.func @attention_by_head(%q: tensor<?x?x?x16xf32>, %v: tensor<?x?x?x24xf32>, %n: tensor<?xi32>, %rows: tensor<?x?xi32>, %o: tensor<?x?x?x24xf32>, %s: tensor<?x?x?x?xf32>,
                             %add: tensor<?x?x?x?xf32>, %keep: tensor<1x1x?x?xi1>, %q3: tensor<?x?x16xbf16>, %o3: tensor<?x?x16xf32>, %half: tensor<?x4x1x?xbf16>,
                             %mq: memref<2x8x?x64xf32>, %mm: memref<2x1x1x?xi1>) {
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} outs(%{{.*}}) {scale = 5.000000e-01 : f64} : (tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x24xf32>, tensor<?x?x?x24xf32>) -> tensor<?x?x?x24xf32>
  %0 = attn.sdpa %q, %q, %v outs(%o) {scale = 0.5 : f64} : (tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x24xf32>, tensor<?x?x?x24xf32>) -> tensor<?x?x?x24xf32>
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} mask(%{{.*}}) lengths(%{{.*}}) positions(%{{.*}}) rows(%{{.*}}) outs(%{{[^ ]*}}, %{{[^ ]*}}) {causal, scale = 5.000000e-01 : f64}
  %1:2 = attn.sdpa %q, %q, %v mask(%add) lengths(%n) positions(%n) rows(%n) outs(%o, %s) {causal, heads = 1 : i64, scale = 0.5 : f64} : (tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x24xf32>, tensor<?x?x?x?xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?x?x24xf32>, tensor<?x?x?x?xf32>) -> (tensor<?x?x?x24xf32>, tensor<?x?x?x?xf32>)
  // CHECK: attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 5.000000e-01 : f64} : ({{.*}}, tensor<1x1x?x?xi1>, {{.*}})
  %2 = attn.sdpa %q, %q, %v mask(%keep) outs(%o) {scale = 0.5 : f64} : (tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x24xf32>, tensor<1x1x?x?xi1>, tensor<?x?x?x24xf32>) -> tensor<?x?x?x24xf32>
  // CHECK: attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64} : (tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<?x4x1x?xbf16>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %3 = attn.sdpa %q3, %q3, %q3 mask(%half) outs(%o3) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<?x?x16xbf16>, tensor<?x4x1x?xbf16>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.sdpa %{{.*}} outs(%{{.*}}) {scale = 5.000000e-01 : f64, softcap = 3.000000e+01 : f64}
  %4 = attn.sdpa %q, %q, %v outs(%o) {scale = 0.5 : f64, softcap = 30.0 : f64} : (tensor<?x?x?x16xf32>, tensor<?x?x?x16xf32>, tensor<?x?x?x24xf32>, tensor<?x?x?x24xf32>) -> tensor<?x?x?x24xf32>
  // CHECK: attn.sdpa %{{.*}} mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64} : (memref<2x8x?x64xf32>, memref<2x8x?x64xf32>, memref<2x8x?x64xf32>, memref<2x1x1x?xi1>, memref<2x8x?x64xf32>) -> ()
  attn.sdpa %mq, %mq, %mq mask(%mm) outs(%mq) {scale = 1.0 : f64} : (memref<2x8x?x64xf32>, memref<2x8x?x64xf32>, memref<2x8x?x64xf32>, memref<2x1x1x?xi1>, memref<2x8x?x64xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @greatest(
func.func @greatest(%x: tensor<?x16xf32>, %w: tensor<100x16xf32>, %b: tensor<100xf32>, %i: tensor<100x16xi8>, %n: tensor<4xf32>, %e: tensor<?xi32>, %mx: memref<?x16xf32>, %pw: memref<7x16x16xf32>, %me: memref<?xi32>) -> (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) {
  // CHECK: attn.greatest %{{.*}}, %{{.*}} bias(%{{.*}}) estimate(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) columns 100 outs(%{{.*}}) : (tensor<?x16xf32>, tensor<100x16xf32>, tensor<100xf32>, tensor<100x16xi8>, tensor<100xf32>, tensor<4xf32>, tensor<4xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  %0 = attn.greatest %x, %w bias(%b) estimate(%i, %b, %n, %n, %b) columns 100 outs(%e) : (tensor<?x16xf32>, tensor<100x16xf32>, tensor<100xf32>, tensor<100x16xi8>, tensor<100xf32>, tensor<4xf32>, tensor<4xf32>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  // CHECK: attn.greatest %{{.*}}, %{{.*}} estimate(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) columns 100
  %1 = attn.greatest %x, %w estimate(%i, %b, %n, %n) columns 100 outs(%e) : (tensor<?x16xf32>, tensor<100x16xf32>, tensor<100x16xi8>, tensor<100xf32>, tensor<4xf32>, tensor<4xf32>, tensor<?xi32>) -> tensor<?xi32>
  // CHECK: attn.greatest %{{.*}}, %{{.*}} scales(%{{.*}}) columns 100 outs(%{{.*}})
  %2 = attn.greatest %x, %i scales(%b) columns 100 outs(%e) : (tensor<?x16xf32>, tensor<100x16xi8>, tensor<100xf32>, tensor<?xi32>) -> tensor<?xi32>
  // CHECK: attn.greatest %{{.*}}, %{{.*}} columns 100 outs(%{{.*}}) : (memref<?x16xf32>, memref<7x16x16xf32>, memref<?xi32>) -> ()
  attn.greatest %mx, %pw columns 100 outs(%me) : (memref<?x16xf32>, memref<7x16x16xf32>, memref<?xi32>) -> ()
  return %0, %1, %2 : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>
}

// CHECK-LABEL: func.func @logits(
func.func @logits(%x: tensor<?x16xf32>, %w: tensor<100x16xf32>, %b: tensor<100xf32>, %pw: memref<7x16x16xf32>, %pb: memref<112xf32>, %mx: memref<?x16xf32>,
                  %v: tensor<2x?x64xf32>, %m: tensor<3x?xf32>, %mv: memref<2x?x64xf32>, %mm: memref<3x?xf32>) {
  // CHECK: attn.logits %{{.*}}, %{{.*}} bias(%{{.*}}) columns 100 outs(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<?x16xf32>, tensor<100x16xf32>, tensor<100xf32>, tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  %0:3 = attn.logits %x, %w bias(%b) columns 100 outs(%v, %m, %m) : (tensor<?x16xf32>, tensor<100x16xf32>, tensor<100xf32>, tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  // CHECK: attn.logits %{{.*}}, %{{.*}} bias(%{{.*}}) columns 100 outs(%{{.*}}, %{{.*}}, %{{.*}}) : (memref<?x16xf32>, memref<7x16x16xf32>, memref<112xf32>, memref<2x?x64xf32>, memref<3x?xf32>, memref<3x?xf32>) -> ()
  attn.logits %mx, %pw bias(%pb) columns 100 outs(%mv, %mm, %mm) : (memref<?x16xf32>, memref<7x16x16xf32>, memref<112xf32>, memref<2x?x64xf32>, memref<3x?xf32>, memref<3x?xf32>) -> ()
  return
}

// CHECK-LABEL: func.func @cache_append(
func.func @cache_append(%x: tensor<?x?x16xf32>, %p: tensor<?xi32>, %r: tensor<?x?xi32>, %c: tensor<8x64x16xf32>, %mx: memref<?x?x16xf32>, %mp: memref<?xi32>, %mc: memref<8x64x16xf32>) {
  // CHECK: attn.cache_append %{{.*}} at %{{.*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<8x64x16xf32>) -> tensor<8x64x16xf32>
  %0 = attn.cache_append %x at %p outs(%c) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<8x64x16xf32>) -> tensor<8x64x16xf32>
  // CHECK: attn.cache_append %{{.*}} at %{{.*}} rows(%{{.*}}) outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?xi32>, tensor<8x64x16xf32>) -> tensor<8x64x16xf32>
  %1 = attn.cache_append %x at %p rows(%r) outs(%c) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?xi32>, tensor<8x64x16xf32>) -> tensor<8x64x16xf32>
  // CHECK: attn.cache_append %{{.*}} at %{{.*}} outs(%{{.*}}) : (memref<?x?x16xf32>, memref<?xi32>, memref<8x64x16xf32>) -> ()
  attn.cache_append %mx at %mp outs(%mc) : (memref<?x?x16xf32>, memref<?xi32>, memref<8x64x16xf32>) -> ()
  return
}

// What is stored to be read later may be rounded.
// CHECK-LABEL: func.func @rounded(
func.func @rounded(%x: tensor<?x?x16xf32>, %w: tensor<24x16xf32>, %p: tensor<?xi32>, %k: tensor<?x?x16xbf16>, %v: tensor<?x?x24xbf16>, %o: tensor<?x?x24xf32>) {
  // CHECK: attn.linear %{{.*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<24x16xf32>, tensor<?x?x24xbf16>) -> tensor<?x?x24xbf16>
  %0 = attn.linear %x, %w outs(%v) : (tensor<?x?x16xf32>, tensor<24x16xf32>, tensor<?x?x24xbf16>) -> tensor<?x?x24xbf16>
  // CHECK: attn.cache_append %{{.*}} at %{{.*}} outs(%{{.*}}) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?x16xbf16>) -> tensor<?x?x16xbf16>
  %1 = attn.cache_append %x at %p outs(%k) : (tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?x16xbf16>) -> tensor<?x?x16xbf16>
  // CHECK: attn.sdpa %{{.*}} outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x24xbf16>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %2 = attn.sdpa %x, %1, %0 outs(%o) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xbf16>, tensor<?x?x24xbf16>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return
}

// CHECK-LABEL: func.func @attention_with_slopes(
func.func @attention_with_slopes(%q: tensor<?x?x16xf32>, %n: tensor<?xi32>, %slopes: tensor<4xf32>) -> tensor<?x?x16xf32> {
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} lengths(%{{.*}}) slopes(%{{.*}}) outs(%{{.*}}) {causal, heads = 4 : i64, scale = 5.000000e-01 : f64}
  %0 = attn.sdpa %q, %q, %q lengths(%n) slopes(%slopes) outs(%q) {causal, heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?xi32>, tensor<4xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %0 : tensor<?x?x16xf32>
}

// CHECK-LABEL: func.func @attention_with_biases_and_sinks(
func.func @attention_with_biases_and_sinks(%q: tensor<?x?x16xf32>, %p: tensor<?xi32>, %biases: tensor<4x?xf32>, %fixed: tensor<4x257xbf16>, %sinks: tensor<4xf32>) -> tensor<?x?x16xf32> {
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} positions(%{{.*}}) biases(%{{.*}}) outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64}
  %0 = attn.sdpa %q, %q, %q positions(%p) biases(%biases) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?xi32>, tensor<4x?xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.sdpa %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} biases(%{{.*}}) sinks(%{{.*}}) outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64}
  %1 = attn.sdpa %0, %q, %q biases(%fixed) sinks(%sinks) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<4x257xbf16>, tensor<4xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %1 : tensor<?x?x16xf32>
}

// CHECK-LABEL: func.func @ragged(
func.func @ragged(%q: tensor<1x?x16xf32>, %k: tensor<?x?x8xf32>, %q4: tensor<1x4x?x4xf32>, %n: tensor<?xi32>, %m: tensor<?xi32>, %rows: tensor<?x?xi32>) -> tensor<1x?x16xf32> {
  // CHECK: attn.sdpa %{{.*}} lengths(%{{.*}}) query_offsets(%{{.*}}) key_offsets(%{{.*}}) outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64}
  %0 = attn.sdpa %q, %q, %q lengths(%n) query_offsets(%m) key_offsets(%m) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x16xf32>, tensor<1x?x16xf32>, tensor<1x?x16xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<1x?x16xf32>) -> tensor<1x?x16xf32>
  // CHECK: attn.sdpa %{{.*}} rows(%{{.*}}) query_offsets(%{{.*}}) outs
  %1 = attn.sdpa %0, %k, %k rows(%rows) query_offsets(%m) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<1x?x16xf32>) -> tensor<1x?x16xf32>
  // CHECK: attn.sdpa %{{.*}} key_offsets(%{{.*}}) outs
  %2 = attn.sdpa %q4, %q4, %q4 key_offsets(%m) outs(%q4) {scale = 0.5 : f64} : (tensor<1x4x?x4xf32>, tensor<1x4x?x4xf32>, tensor<1x4x?x4xf32>, tensor<?xi32>, tensor<1x4x?x4xf32>) -> tensor<1x4x?x4xf32>
  return %1 : tensor<1x?x16xf32>
}

// CHECK-LABEL: func.func @attention_with_windows(
func.func @attention_with_windows(%q: tensor<?x?x16xf32>, %p: tensor<?xi32>, %s: tensor<?x4x?x?xf32>) -> tensor<?x?x16xf32> {
  // CHECK: attn.scores %{{.*}} outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64, window_after = 0 : i64, window_before = 3 : i64}
  %0 = attn.scores %q, %q outs(%s) {heads = 4 : i64, scale = 0.5 : f64, window_before = 3 : i64, window_after = 0 : i64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  // CHECK: attn.sdpa %{{.*}} positions(%{{.*}}) outs(%{{.*}}) {heads = 4 : i64, scale = 5.000000e-01 : f64, window_after = 2 : i64}
  %1 = attn.sdpa %q, %q, %q positions(%p) outs(%q) {heads = 4 : i64, scale = 0.5 : f64, window_after = 2 : i64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?xi32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: attn.sdpa %{{.*}} outs(%{{.*}}) {causal, heads = 4 : i64, scale = 5.000000e-01 : f64, window_before = 255 : i64}
  %2 = attn.sdpa %1, %q, %q outs(%q) {causal, heads = 4 : i64, scale = 0.5 : f64, window_before = 255 : i64} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return %2 : tensor<?x?x16xf32>
}

// CHECK-LABEL: func.func @shown_heads(
func.func @shown_heads(%q: tensor<?x?x16xf32>, %some: tensor<?x2x?x?xf32>, %mean: tensor<?x?x?xf32>) -> tensor<?x?x?xf32> {
  // CHECK: attn.sdpa %{{.*}} {heads = 4 : i64, scale = 5.000000e-01 : f64, shown_heads = array<i64: 3, 1>} : {{.*}} -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>)
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %some) {heads = 4 : i64, scale = 0.5 : f64, shown_heads = array<i64: 3, 1>} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x2x?x?xf32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>)
  // CHECK: attn.sdpa %{{.*}} {heads = 4 : i64, scale = 5.000000e-01 : f64, shown_mean} : {{.*}} -> (tensor<?x?x16xf32>, tensor<?x?x?xf32>)
  %1:2 = attn.sdpa %0#0, %q, %q outs(%q, %mean) {heads = 4 : i64, scale = 0.5 : f64, shown_mean} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x?xf32>) -> (tensor<?x?x16xf32>, tensor<?x?x?xf32>)
  // CHECK: attn.sdpa %{{.*}} {heads = 4 : i64, scale = 5.000000e-01 : f64, shown_heads = array<i64: 3, 1>, shown_stage = #attn<stage masked>} : {{.*}} -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>)
  %2:2 = attn.sdpa %1#0, %q, %q outs(%q, %some) {heads = 4 : i64, scale = 0.5 : f64, shown_heads = array<i64: 3, 1>, shown_stage = #attn<stage masked>} : (tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x?x16xf32>, tensor<?x2x?x?xf32>) -> (tensor<?x?x16xf32>, tensor<?x2x?x?xf32>)
  return %1#1 : tensor<?x?x?xf32>
}
