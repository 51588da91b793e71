// RUN: attn-opt %s --attn-emit-manifest --split-input-file | FileCheck %s

// Sizes that have to be equal in arguments, by each core that uses them: compiled
// code reads and writes as far as the first of them says.

// CHECK: \22name\22:\22lookup\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,0],[4,0]]},{\22places\22:{{\[\[}}0,1],[4,1]]},{\22places\22:{{\[\[}}2,1]],\22value\22:8}]}]}\00
func.func @lookup(%ids: tensor<?x?xi32>, %table: tensor<?x8xf32>, %positions: tensor<?x?xf32>, %offsets: tensor<?xi32>, %out: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %r = attn.lookup %ids, %table positions(%positions) offsets(%offsets) outs(%out) : (tensor<?x?xi32>, tensor<?x8xf32>, tensor<?x?xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// CHECK: \22name\22:\22integer_lookup\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,0]]},{\22places\22:{{\[\[}}0,1],[3,1]]},{\22places\22:{{\[\[}}1,0],[2,0]]}]}]}\00
func.func @integer_lookup(%ids: tensor<?x?xi32>, %table: tensor<?x8xi8>, %s: tensor<?xf32>, %out: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %r = attn.lookup %ids, %table scales(%s) outs(%out) : (tensor<?x?xi32>, tensor<?x8xi8>, tensor<?xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// CHECK: \22name\22:\22linear\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,0],[4,0]]},{\22places\22:{{\[\[}}0,1],[3,1],[4,1]]},{\22places\22:{{\[\[}}0,2],[1,1]]},{\22places\22:{{\[\[}}1,0],[2,0],[3,2],[4,2]]}]}]}\00
func.func @linear(%x: tensor<?x?x?xf32>, %w: tensor<?x?xf32>, %b: tensor<?xf32>, %y: tensor<?x?x?xf32>, %out: tensor<?x?x?xf32>) -> tensor<?x?x?xf32> {
  %r = attn.linear %x, %w bias(%b) residual(%y) outs(%out) : (tensor<?x?x?xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  return %r : tensor<?x?x?xf32>
}

// -----

// CHECK: \22name\22:\22integer_linear\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,0]]},{\22places\22:{{\[\[}}1,0],[2,0]],\22value\22:7}]}]}\00
func.func @integer_linear(%x: tensor<?x8xf32>, %w: tensor<?x8xi8>, %s: tensor<?xf32>, %out: tensor<?x7xf32>) -> tensor<?x7xf32> {
  %r = attn.linear %x, %w scales(%s) outs(%out) : (tensor<?x8xf32>, tensor<?x8xi8>, tensor<?xf32>, tensor<?x7xf32>) -> tensor<?x7xf32>
  return %r : tensor<?x7xf32>
}

// -----

// CHECK: \22name\22:\22logits\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,1],[4,1],[5,1]]},{\22places\22:{{\[\[}}1,0],[2,0]],\22value\22:7}]}]}\00
func.func @logits(%x: tensor<?x8xf32>, %w: tensor<?x8xf32>, %b: tensor<?xf32>, %v: tensor<2x?x4xf32>, %m: tensor<3x?xf32>, %s: tensor<3x?xf32>) -> (tensor<2x?x4xf32>, tensor<3x?xf32>, tensor<3x?xf32>) {
  %r:3 = attn.logits %x, %w bias(%b) columns 7 outs(%v, %m, %s) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xf32>, tensor<2x?x4xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x4xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  return %r#0, %r#1, %r#2 : tensor<2x?x4xf32>, tensor<3x?xf32>, tensor<3x?xf32>
}

// -----

// CHECK: \22name\22:\22greatest\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,0]]},{\22places\22:{{\[\[}}1,0],[2,0]],\22value\22:7}]}]}\00
func.func @greatest(%x: tensor<?x8xf32>, %w: tensor<?x8xf32>, %b: tensor<?xf32>, %out: tensor<?xi32>) -> tensor<?xi32> {
  %r = attn.greatest %x, %w bias(%b) columns 7 outs(%out) : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xf32>, tensor<?xi32>) -> tensor<?xi32>
  return %r : tensor<?xi32>
}

// -----

// CHECK: \22name\22:\22mlp\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[5,0],[6,0]]},{\22places\22:{{\[\[}}1,0],[2,0]],\22value\22:6},{\22places\22:{{\[\[}}1,1],[3,0],[4,0]],\22value\22:8}]}]}\00
func.func @mlp(%x: tensor<?x8xf32>, %w: tensor<?x?xf32>, %b: tensor<?xf32>, %v: tensor<?x6xf32>, %c: tensor<?xf32>, %y: tensor<?x8xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = attn.mlp %x, %w bias(%b) activation relu, %v bias(%c) residual(%y) outs(%out) : (tensor<?x8xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?x6xf32>, tensor<?xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

// CHECK: \22name\22:\22layer_norm\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,0]]},{\22places\22:{{\[\[}}1,0],[2,0]],\22value\22:8}]}]}\00
func.func @layer_norm(%x: tensor<?x8xf32>, %w: tensor<?xf32>, %b: tensor<?xf32>, %out: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = attn.layer_norm %x, %w, %b outs(%out) : (tensor<?x8xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

// CHECK: \22name\22:\22softmax\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0]]},{\22places\22:{{\[\[}}0,1],[1,1]]}]}]}\00
func.func @softmax(%x: tensor<?x?xf32>, %out: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %r = attn.softmax %x outs(%out) : (tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// -----

// CHECK: \22name\22:\22scores\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0],[2,0],[3,0]]},{\22places\22:{{\[\[}}0,1],[3,2]]},{\22places\22:{{\[\[}}1,1],[3,3]]}]}]}\00
func.func @scores(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %n: tensor<?xi32>, %out: tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32> {
  %r = attn.scores %q, %k lengths(%n) outs(%out) {heads = 2 : i64, scale = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  return %r : tensor<?x2x?x?xf32>
}

// -----

// CHECK: \22name\22:\22weighted_sum\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0],[2,0]]},{\22places\22:{{\[\[}}0,2],[2,1]]},{\22places\22:{{\[\[}}0,3],[1,1]]}]}]}\00
func.func @weighted_sum(%p: tensor<?x2x?x?xf32>, %v: tensor<?x?x8xf32>, %out: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %r = attn.weighted_sum %p, %v outs(%out) : (tensor<?x2x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// CHECK: \22name\22:\22cache_append\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0],[2,0]]}]}]}\00
func.func @cache_append(%x: tensor<?x?x8xf32>, %p: tensor<?xi32>, %rows: tensor<?x?xi32>, %out: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %r = attn.cache_append %x at %p rows(%rows) outs(%out) : (tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// CHECK: \22name\22:\22sdpa\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0],[2,0],[3,0],[4,0],[8,0],[9,0]]},{\22places\22:{{\[\[}}0,1],[1,1],[2,1],[3,1],[5,0],[6,0],[7,0],[8,1],[9,1]]},{\22places\22:{{\[\[}}0,2],[3,2],[8,2],[9,2]]},{\22places\22:{{\[\[}}1,2],[2,2],[3,3],[9,3]]}]}]}\00
func.func @sdpa(%q: tensor<?x?x?x8xf32>, %k: tensor<?x?x?x8xf32>, %v: tensor<?x?x?x8xf32>, %mask: tensor<?x?x?x?xi1>, %p: tensor<?xi32>, %a: tensor<?xf32>, %d: tensor<?x3xf32>, %s: tensor<?xf32>, %out: tensor<?x?x?x8xf32>, %shown: tensor<?x?x?x?xf32>) -> (tensor<?x?x?x8xf32>, tensor<?x?x?x?xf32>) {
  %r:2 = attn.sdpa %q, %k, %v mask(%mask) positions(%p) slopes(%a) biases(%d) sinks(%s) outs(%out, %shown) {scale = 1.0 : f64} : (tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x?xi1>, tensor<?xi32>, tensor<?xf32>, tensor<?x3xf32>, tensor<?xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x?xf32>) -> (tensor<?x?x?x8xf32>, tensor<?x?x?x?xf32>)
  return %r#0, %r#1 : tensor<?x?x?x8xf32>, tensor<?x?x?x?xf32>
}

// -----

// Heads that are no dimension are as many as the operation says.

// CHECK: \22name\22:\22heads\22
// CHECK-SAME: {\22places\22:{{\[\[}}1,1],[2,0]],\22value\22:2}
func.func @heads(%q: tensor<?x?x8xf32>, %mask: tensor<?x?x?x?xf32>, %a: tensor<?xf32>, %out: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %r = attn.sdpa %q, %q, %q mask(%mask) slopes(%a) outs(%out) {heads = 2 : i64, scale = 1.0 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x?x?xf32>, tensor<?xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %r : tensor<?x?x8xf32>
}

// -----

// CHECK: \22name\22:\22rows\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[3,0],[4,0],[5,0]]},{\22places\22:{{\[\[}}0,2],[4,2],[5,2]]},{\22places\22:{{\[\[}}1,0],[2,0]]},{\22places\22:{{\[\[}}1,2],[5,3]]}]}]}\00
func.func @rows(%q: tensor<?x4x?x8xf32>, %k: tensor<?x2x?x8xf32>, %n: tensor<?xi32>, %rows: tensor<?xi32>, %out: tensor<?x4x?x8xf32>, %shown: tensor<?x1x?x?xf32>) -> (tensor<?x4x?x8xf32>, tensor<?x1x?x?xf32>) {
  %r:2 = attn.sdpa %q, %k, %k lengths(%n) rows(%rows) outs(%out, %shown) {scale = 1.0 : f64, shown_heads = array<i64: 1>} : (tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?x4x?x8xf32>, tensor<?x1x?x?xf32>) -> (tensor<?x4x?x8xf32>, tensor<?x1x?x?xf32>)
  return %r#0, %r#1 : tensor<?x4x?x8xf32>, tensor<?x1x?x?xf32>
}
