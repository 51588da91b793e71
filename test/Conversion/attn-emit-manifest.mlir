// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-emit-manifest --split-input-file --verify-diagnostics | FileCheck %s

// CHECK:      llvm.mlir.global external constant @attn_manifest("{\22version\22:1,
// CHECK-SAME:   \22weights\22:[
// CHECK-SAME:   {\22name\22:\22g.w\22,\22sources\22:[\22a\22,\22b\22],\22type\22:\22f32\22,\22shape\22:[6,4],\22panel\22:8},
// CHECK-SAME:   {\22name\22:\22g.t\22,\22sources\22:[\22c\22],\22type\22:\22bf16\22,\22shape\22:[40,70],\22panel\22:32,\22transposed\22:true,\22group\22:2},
// CHECK-SAME:   {\22name\22:\22g.i\22,\22sources\22:[\22d\22],\22type\22:\22i8\22,\22shape\22:[40,70],\22panel\22:32,\22group\22:4},
// CHECK-SAME:   {\22name\22:\22g.s\22,\22sources\22:[\22d\22],\22measure\22:\22scales\22,\22type\22:\22f32\22,\22shape\22:[40]},
// CHECK-SAME:   {\22name\22:\22g.p\22,\22sinusoidal\22:true,\22type\22:\22f32\22,\22shape\22:[16,4]}],
// CHECK-SAME:   \22functions\22:[
// CHECK-SAME:   {\22name\22:\22f\22,\22arguments\22:[{\22type\22:\22i32\22,\22shape\22:[-1,3],\22role\22:\22ids\22}],\22results\22:[{\22type\22:\22bf16\22,\22shape\22:[2]}],\22equal\22:[]}]}\00")
attn.weights @g {
  attn.weight @w from ["a", "b"] panel 8 : tensor<6x4xf32>
  attn.weight @t from ["c"] transposed panel 32 by 2 : tensor<40x70xbf16>
  attn.weight @i from ["d"] panel 32 by 4 : tensor<40x70xi8>
  attn.weight @s scales from ["d"] : tensor<40xf32>
  attn.weight @p sinusoidal : tensor<16x4xf32>
}
// CHECK: func.func @f(%{{.*}}: tensor<?x3xi32> {attn.role = "ids", bufferization.writable = false}) -> tensor<2xbf16> attributes {llvm.emit_c_interface}
func.func @f(%ids: tensor<?x3xi32> {attn.role = "ids"}) -> tensor<2xbf16> {
  %r = tensor.empty() : tensor<2xbf16>
  return %r : tensor<2xbf16>
}
// CHECK: func.func private @hidden(%{{.*}}: index) {
func.func private @hidden(%i: index) {
  return
}

// -----

// expected-error @below {{expected argument 1 of function 'scalar' to be a ranked tensor of f64, f32, f16, bf16, i64, i32, i8 or i1, got 'index'}}
func.func @scalar(%x: tensor<4xf32>, %i: index) {
  return
}

// -----

// expected-error @below {{expected result 0 of function 'odd' to be a ranked tensor of f64, f32, f16, bf16, i64, i32, i8 or i1, got 'tensor<4xi17>'}}
func.func @odd() -> tensor<4xi17> {
  %x = tensor.empty() : tensor<4xi17>
  return %x : tensor<4xi17>
}

// -----

// Sizes that have to be equal: the inner ones of a product, all of a sum, the
// batch of attention; a size that is known is said.

// CHECK: @attn_manifest
// CHECK-SAME: \22name\22:\22product\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[2,0]]},{\22places\22:{{\[\[}}0,1],[1,0]]},{\22places\22:{{\[\[}}1,1],[2,1]]}]
// CHECK-SAME: \22name\22:\22sum\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0]]}]
// CHECK-SAME: \22name\22:\22attention\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0],[2,0]]},{\22places\22:{{\[\[}}0,1]],\22value\22:5}]
func.func @product(%a: tensor<?x?xf32>, %b: tensor<?x?xf32>, %c: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %r = linalg.matmul ins(%a, %b : tensor<?x?xf32>, tensor<?x?xf32>) outs(%c : tensor<?x?xf32>) -> tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}
func.func @sum(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %r = arith.addf %a, %b : tensor<?xf32>
  return %r : tensor<?xf32>
}
func.func @attention(%q: tensor<?x?x8xf32>, %k: tensor<?x?x8xf32>, %n: tensor<?xi32>) -> tensor<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %q, %c0 : tensor<?x?x8xf32>
  %o = tensor.empty(%b) : tensor<?x5x8xf32>
  %r = attn.sdpa %q, %k, %k lengths(%n) outs(%o) {heads = 1 : i64, scale = 1.0 : f64}
     : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x5x8xf32>) -> tensor<?x5x8xf32>
  return %r : tensor<?x5x8xf32>
}

// -----

// Heads in a dimension of their own; a mask for all queries. Two products.

// CHECK: @attn_manifest
// CHECK-SAME: \22name\22:\22attention\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0],[2,0]]},{\22places\22:{{\[\[}}0,1],[1,1],[2,1]]},{\22places\22:{{\[\[}}1,2],[2,3]]}]
// CHECK-SAME: \22name\22:\22transposed\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}1,0]],\22value\22:8},{\22places\22:{{\[\[}}1,1],[2,0]],\22value\22:6}]
// CHECK-SAME: \22name\22:\22products\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[4,0]]},{\22places\22:{{\[\[}}1,0],[2,0]],\22value\22:6},{\22places\22:{{\[\[}}1,1],[3,1]],\22value\22:8}]
func.func @attention(%q: tensor<?x?x?x8xf32>, %k: tensor<?x?x?x8xf32>, %m: tensor<?x?x1x?xi1>) -> tensor<?x?x?x8xf32> {
  %r = attn.sdpa %q, %k, %k mask(%m) outs(%q) {scale = 1.0 : f64}
     : (tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x1x?xi1>, tensor<?x?x?x8xf32>) -> tensor<?x?x?x8xf32>
  return %r : tensor<?x?x?x8xf32>
}
func.func @transposed(%x: tensor<?x8xf32>, %w: tensor<?x?xf32>, %b: tensor<?xf32>) -> tensor<?x6xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %o = tensor.empty(%n) : tensor<?x6xf32>
  %r = attn.linear %x, %w bias(%b) outs(%o) {transposed} : (tensor<?x8xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}
func.func @products(%x: tensor<?x8xf32>, %w: tensor<?x?xf32>, %b: tensor<?xf32>, %v: tensor<6x?xf32>, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %r = attn.mlp %x, %w bias(%b) activation relu, %v residual(%y) outs(%x) {transposed} : (tensor<?x8xf32>, tensor<?x?xf32>, tensor<?xf32>, tensor<6x?xf32>, tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %r : tensor<?x8xf32>
}

// -----

// Through dimensions of size 1, which come and go.

// CHECK: @attn_manifest
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,1],[2,0]]},{\22places\22:{{\[\[}}0,1],[1,2]]}]
func.func @reshaped(%a: tensor<?x?xf32>, %b: tensor<1x?x?xf32>, %c: tensor<?xf32>) -> tensor<?x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %c, %c0 : tensor<?xf32>
  %n = tensor.dim %a, %c1 : tensor<?x?xf32>
  %a3 = tensor.expand_shape %a [[0, 1], [2]] output_shape [1, %m, %n] : tensor<?x?xf32> into tensor<1x?x?xf32>
  %s = arith.addf %a3, %b : tensor<1x?x?xf32>
  %b2 = tensor.collapse_shape %s [[0, 1], [2]] : tensor<1x?x?xf32> into tensor<?x?xf32>
  %r = arith.addf %a, %b2 : tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// -----

// By name, of a part that is put into another, and where a size is known after all.

// CHECK: @attn_manifest
// CHECK-SAME: \22name\22:\22named\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,1]]}]
// CHECK-SAME: \22name\22:\22beside\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0]]}]
// CHECK-SAME: \22name\22:\22known\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0]],\22value\22:2}]
// CHECK: func.func @named(
// CHECK-NOT: attn.sizes
func.func @named(%a: tensor<?x4xf32> {attn.sizes = ["n", ""]}, %b: tensor<?x?xf32> {attn.sizes = ["m", "n"]}) -> tensor<?x4xf32> {
  return %a : tensor<?x4xf32>
}
func.func @beside(%a: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?x4xf32>
  %o = tensor.empty(%n) : tensor<?x8xf32>
  %0 = tensor.insert_slice %a into %o[0, 0] [%n, 4] [1, 1] : tensor<?x4xf32> into tensor<?x8xf32>
  %1 = tensor.insert_slice %b into %0[0, 4] [%n, 4] [1, 1] : tensor<?x4xf32> into tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
func.func @known(%a: tensor<?x4xf32>) -> tensor<2x4xf32> {
  %r = tensor.cast %a : tensor<?x4xf32> to tensor<2x4xf32>
  return %r : tensor<2x4xf32>
}

// -----

// Offsets of a ragged batch are one more than there are entries.

// CHECK: @attn_manifest
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}2,0,1],[3,0,1],[4,0]]}]
func.func @ragged(%q: tensor<1x?x8xf32>, %k: tensor<1x?x8xf32>, %qo: tensor<?xi32>, %ko: tensor<?xi32>, %n: tensor<?xi32>) -> tensor<1x?x8xf32> {
  %c1 = arith.constant 1 : index
  %s = tensor.dim %q, %c1 : tensor<1x?x8xf32>
  %o = tensor.empty(%s) : tensor<1x?x8xf32>
  %r = attn.sdpa %q, %k, %k lengths(%n) query_offsets(%qo) key_offsets(%ko) outs(%o) {heads = 1 : i64, scale = 1.0 : f64}
     : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return %r : tensor<1x?x8xf32>
}

// -----

// So many entries as offsets of a known number divide; and what is split has as many
// elements before.

// CHECK: @attn_manifest
// CHECK-SAME: \22name\22:\22three_entries\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}2,0]],\22value\22:3}]
// CHECK-SAME: \22name\22:\22split\22
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0],[1,0]]}]
func.func @three_entries(%q: tensor<1x?x8xf32>, %qo: tensor<4xi32>, %n: tensor<?xi32>) -> tensor<1x?x8xf32> {
  %r = attn.sdpa %q, %q, %q lengths(%n) query_offsets(%qo) key_offsets(%qo) outs(%q) {heads = 1 : i64, scale = 1.0 : f64}
     : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<?xi32>, tensor<4xi32>, tensor<4xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return %r : tensor<1x?x8xf32>
}
func.func @split(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<1x?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %b, %c0 : tensor<?xf32>
  %r = tensor.expand_shape %a [[0, 1]] output_shape [1, %n] : tensor<?xf32> into tensor<1x?xf32>
  return %r : tensor<1x?xf32>
}

// -----

// Nothing is equal by another comparison, which stays, nor by slices of lower rank.

// CHECK: @attn_manifest
// CHECK-SAME: \22name\22:\22at_most\22
// CHECK-SAME: \22equal\22:[]
// CHECK-SAME: \22name\22:\22slices\22
// CHECK-SAME: \22equal\22:[]
// CHECK: func.func @at_most(
// CHECK: cf.assert %{{.*}}, "at most"
func.func @at_most(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %m = tensor.dim %b, %c0 : tensor<?xf32>
  %holds = arith.cmpi ule, %n, %m : index
  cf.assert %holds, "at most"
  return %a : tensor<?xf32>
}
func.func @slices(%a: tensor<?xf32>, %b: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %c1 = arith.constant 1 : index
  %n = tensor.dim %b, %c1 : tensor<?x?xf32>
  %row = tensor.extract_slice %b[0, 0] [1, %n] [1, 1] : tensor<?x?xf32> to tensor<?xf32>
  %sum = arith.addf %a, %row : tensor<?xf32>
  %r = tensor.insert_slice %sum into %b[1, 0] [1, %n] [1, 1] : tensor<?xf32> into tensor<?x?xf32>
  return %r : tensor<?x?xf32>
}

// -----

// What no size can be is no call's, and what is asserted of no argument stays.

// CHECK: @attn_manifest
// CHECK-SAME: \22equal\22:[{\22places\22:{{\[\[}}0,0]],\22value\22:3},{\22places\22:{{\[\[}}0,0]],\22value\22:4}]
// CHECK:      func.func @contradictory(
// CHECK-NOT:  "of an argument"
// CHECK:      cf.assert %{{.*}}, "of no argument"
// CHECK-NOT:  cf.assert
func.func @contradictory(%a: tensor<?xf32>) -> (tensor<3xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %is4 = arith.cmpi eq, %n, %c4 : index
  cf.assert %is4, "of an argument"
  %is3 = arith.cmpi eq, %c4, %c3 : index
  cf.assert %is3, "of no argument"
  %b = tensor.cast %a : tensor<?xf32> to tensor<3xf32>
  %c = tensor.cast %a : tensor<?xf32> to tensor<4xf32>
  return %b, %c : tensor<3xf32>, tensor<4xf32>
}

// -----

// A dimension that the argument does not have is equal to none.

// CHECK: @attn_manifest
// CHECK-SAME: \22equal\22:[]
// CHECK: func.func @no_dimension(
func.func @no_dimension(%a: tensor<?xf32>, %b: tensor<?xf32>) -> tensor<?xf32> {
  %far = arith.constant 1000000000000 : index
  %n = tensor.dim %a, %far : tensor<?xf32>
  %o = tensor.empty(%n) : tensor<?xf32>
  %r = linalg.copy ins(%b : tensor<?xf32>) outs(%o : tensor<?xf32>) -> tensor<?xf32>
  return %r : tensor<?xf32>
}
