// RUN: attn-opt %s --attn-import-constants --split-input-file | FileCheck %s

#mk = affine_map<(m, n, k) -> (m, k)>
#kn = affine_map<(m, n, k) -> (k, n)>
#mn = affine_map<(m, n, k) -> (m, n)>
#all = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (n)>

// The factor of a product, and what is added to that.
// CHECK:      module attributes {attn.constants = {constants.0 = dense_resource<w> : tensor<8x16xf32>, constants.1 = dense<1.000000e+00> : tensor<64xf32>, constants.2 = dense_resource<v> : tensor<16x64xf32>}}
// CHECK-NEXT:   attn.weights @constants_0 {
// CHECK-NEXT:     attn.weight @"0" from ["constants.0"] : tensor<8x16xf32>
// CHECK-NEXT:     attn.weight @"1" from ["constants.1"] : tensor<64xf32>
// CHECK-NEXT:     attn.weight @"2" from ["constants.2"] : tensor<16x64xf32>
// CHECK-NEXT:   }
// CHECK-LABEL: func.func @products(
// CHECK-DAG:     %[[W:.*]] = attn.get_weight @constants_0::@"0" : tensor<8x16xf32>
// CHECK-DAG:     %[[B:.*]] = attn.get_weight @constants_0::@"1" : tensor<64xf32>
// CHECK-DAG:     %[[V:.*]] = attn.get_weight @constants_0::@"2" : tensor<16x64xf32>
// CHECK:         linalg.matmul ins(%{{.*}}, %[[W]] :
// CHECK:         linalg.matmul ins(%{{.*}}, %[[V]] :
// CHECK:         linalg.generic {{.*}} ins(%{{.*}}, %[[B]] :
func.func private @constants()
func.func @products(%x: tensor<4x8xf32>, %o: tensor<4x16xf32>, %p: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %w = arith.constant dense_resource<w> : tensor<8x16xf32>
  %b = arith.constant dense<1.0> : tensor<64xf32>
  %v = arith.constant dense_resource<v> : tensor<16x64xf32>
  %y = linalg.matmul ins(%x, %w : tensor<4x8xf32>, tensor<8x16xf32>) outs(%o : tensor<4x16xf32>) -> tensor<4x16xf32>
  %z = linalg.matmul ins(%y, %v : tensor<4x16xf32>, tensor<16x64xf32>) outs(%p : tensor<4x64xf32>) -> tensor<4x64xf32>
  %s = linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel"]} ins(%z, %b : tensor<4x64xf32>, tensor<64xf32>) outs(%p : tensor<4x64xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %a = arith.addf %in, %c : f32
    linalg.yield %a : f32
  } -> tensor<4x64xf32>
  return %s : tensor<4x64xf32>
}

{-#
  dialect_resources: {
    builtin: {
      w: "0x04000000",
      v: "0x04000000"
    }
  }
#-}

// -----

// In the shape in which they are read, once for all that read them so, also
// after they were transposed and repeated.
// CHECK:       module attributes {attn.constants = {constants.0 = dense_resource<w> : tensor<8x16xf16>, constants.1 = dense_resource<w> : tensor<2x4x16xf16>}}
// CHECK-LABEL: func.func @shapes(
// CHECK-DAG:     %[[W0:.*]] = attn.get_weight @constants::@"0" : tensor<8x16xf16>
// CHECK-DAG:     %[[H:.*]] = attn.get_weight @constants::@"1" : tensor<2x4x16xf16>
// CHECK:         linalg.matmul ins(%{{.*}}, %[[W0]] :
// CHECK:         tensor.extract %[[H]]
// CHECK:         %[[W1:.*]] = attn.get_weight @constants::@"0" : tensor<8x16xf16>
// CHECK:         %[[T:.*]] = linalg.transpose ins(%[[W1]] :
// CHECK:         %[[R:.*]] = linalg.broadcast ins(%[[T]] :
// CHECK:         linalg.batch_matmul ins(%{{.*}}, %[[R]] :
func.func @shapes(%x: tensor<4x8xf16>, %o: tensor<4x16xf16>, %t: tensor<16x8xf16>, %r: tensor<2x16x8xf16>, %q: tensor<2x4x8xf16>, %i: index) -> (tensor<4x16xf16>, f16, tensor<2x4x8xf16>) {
  %w = arith.constant dense_resource<w> : tensor<2x4x16xf16>
  %m = tensor.collapse_shape %w [[0, 1], [2]] : tensor<2x4x16xf16> into tensor<8x16xf16>
  %y = linalg.matmul ins(%x, %m : tensor<4x8xf16>, tensor<8x16xf16>) outs(%o : tensor<4x16xf16>) -> tensor<4x16xf16>
  %e = tensor.extract %w[%i, %i, %i] : tensor<2x4x16xf16>
  %again = arith.constant dense_resource<w> : tensor<8x16xf16>
  %mt = linalg.transpose ins(%again : tensor<8x16xf16>) outs(%t : tensor<16x8xf16>) permutation = [1, 0]
  %mr = linalg.broadcast ins(%mt : tensor<16x8xf16>) outs(%r : tensor<2x16x8xf16>) dimensions = [0]
  %ye = tensor.expand_shape %y [[0, 1], [2]] output_shape [1, 4, 16] : tensor<4x16xf16> into tensor<1x4x16xf16>
  %yc = tensor.concat dim(0) %ye, %ye : (tensor<1x4x16xf16>, tensor<1x4x16xf16>) -> tensor<2x4x16xf16>
  %z = linalg.batch_matmul ins(%yc, %mr : tensor<2x4x16xf16>, tensor<2x16x8xf16>) outs(%q : tensor<2x4x8xf16>) -> tensor<2x4x8xf16>
  return %y, %e, %z : tensor<4x16xf16>, f16, tensor<2x4x8xf16>
}

{-#
  dialect_resources: {
    builtin: {
      w: "0x04000000"
    }
  }
#-}

// -----

#qd = affine_map<(q, k, d) -> (q, d)>
#kd = affine_map<(q, k, d) -> (k, d)>
#qk = affine_map<(q, k, d) -> (q, k)>
#both = affine_map<(q, k) -> (q, k)>
#key = affine_map<(q, k) -> (k)>

// A mask, what sums begin with, few numbers, integers, and what is returned.
// CHECK-NOT:   attn.constants
// CHECK-NOT:   attn.get_weight
// CHECK-LABEL: func.func @others(
func.func @others(%q: tensor<8x16xf32>, %k: tensor<64x16xf32>, %e: tensor<8x64xf32>, %x: tensor<8x4xf32>, %o: tensor<8x4xf32>, %i: tensor<8x8xi32>) -> (tensor<8x64xf32>, tensor<8x4xf32>, tensor<8x8xi32>, tensor<8x16xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<8x64xf32>
  %mask = arith.constant dense_resource<mask> : tensor<8x64xf32>
  %keys = arith.constant dense_resource<keys> : tensor<64xf32>
  %few = arith.constant dense_resource<few> : tensor<4x4xf32>
  %integers = arith.constant dense_resource<integers> : tensor<8x8xi32>
  %returned = arith.constant dense_resource<returned> : tensor<8x16xf32>
  %s = linalg.generic {indexing_maps = [#qd, #kd, #qk], iterator_types = ["parallel", "parallel", "reduction"]} ins(%q, %k : tensor<8x16xf32>, tensor<64x16xf32>) outs(%zeros : tensor<8x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %c = arith.mulf %a, %b : f32
    %d = arith.addf %out, %c : f32
    linalg.yield %d : f32
  } -> tensor<8x64xf32>
  %m = arith.addf %s, %mask : tensor<8x64xf32>
  %n = linalg.generic {indexing_maps = [#both, #key, #both], iterator_types = ["parallel", "parallel"]} ins(%m, %keys : tensor<8x64xf32>, tensor<64xf32>) outs(%e : tensor<8x64xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %c = arith.addf %a, %b : f32
    linalg.yield %c : f32
  } -> tensor<8x64xf32>
  %y = linalg.matmul ins(%x, %few : tensor<8x4xf32>, tensor<4x4xf32>) outs(%o : tensor<8x4xf32>) -> tensor<8x4xf32>
  %z = linalg.matmul ins(%i, %integers : tensor<8x8xi32>, tensor<8x8xi32>) outs(%i : tensor<8x8xi32>) -> tensor<8x8xi32>
  return %n, %y, %z, %returned : tensor<8x64xf32>, tensor<8x4xf32>, tensor<8x8xi32>, tensor<8x16xf32>
}

{-#
  dialect_resources: {
    builtin: {
      mask: "0x04000000", keys: "0x04000000", few: "0x04000000", integers: "0x04000000", returned: "0x04000000"
    }
  }
#-}

// -----

// Those that were taken before keep their names, as do tensors of a file. Modules in
// a module are not looked at.
// CHECK:       module attributes {attn.constants = {constants.1 = dense<2.000000e+00> : tensor<2xf32>, constants.2 = dense<1.000000e+00> : tensor<64xbf16>}}
// CHECK:         attn.weight @"2" from ["constants.2"] : tensor<64xbf16>
// CHECK:         module
// CHECK-NOT:       attn.get_weight
// CHECK-LABEL: func.func @again(
// CHECK:         attn.get_weight @constants::@"2"
module attributes {attn.constants = {constants.1 = dense<2.0> : tensor<2xf32>}} {
  attn.weights @others {
    attn.weight @w from ["constants.0"] : tensor<2xf32>
  }
  module {
    func.func @inner(%x: tensor<4x8xf32>, %w: tensor<64x8xf32>, %o: tensor<4x64xf32>) -> tensor<4x64xf32> {
      %b = arith.constant dense<1.0> : tensor<64xf32>
      %y = attn.linear %x, %w bias(%b) outs(%o) : (tensor<4x8xf32>, tensor<64x8xf32>, tensor<64xf32>, tensor<4x64xf32>) -> tensor<4x64xf32>
      return %y : tensor<4x64xf32>
    }
  }
  func.func @again(%x: tensor<4x8xbf16>, %w: tensor<64x8xbf16>, %o: tensor<4x64xf32>) -> tensor<4x64xf32> {
    %b = arith.constant dense<1.0> : tensor<64xbf16>
    %y = attn.linear %x, %w bias(%b) outs(%o) : (tensor<4x8xbf16>, tensor<64x8xbf16>, tensor<64xbf16>, tensor<4x64xf32>) -> tensor<4x64xf32>
    return %y : tensor<4x64xf32>
  }
}
