// RUN: split-file %s %t
// RUN: attn-opt %t/quantize.mlir --attn-quantize-weights | FileCheck %s
// RUN: attn-opt %t/integers.mlir --attn-quantize-weights=type=i8 | FileCheck %s --check-prefix=I8
// RUN: attn-opt %t/type.mlir --verify-diagnostics --attn-quantize-weights=type=i4

//--- quantize.mlir

// Biases stay; what nothing reads any more goes.
// CHECK-LABEL: attn.weights @layer {
// CHECK-NEXT:    attn.weight @hidden.weight.bf16 from ["w1"] : tensor<16x8xbf16>
// CHECK-NEXT:    attn.weight @hidden.bias from ["b1"] : tensor<16xf32>
// CHECK-NEXT:    attn.weight @weight.bf16 from ["w2", "w3"] : tensor<8x16xbf16>
// CHECK-NEXT:  }
attn.weights @layer {
  attn.weight @hidden.weight from ["w1"] : tensor<16x8xf32>
  attn.weight @hidden.bias from ["b1"] : tensor<16xf32>
  attn.weight @weight from ["w2", "w3"] : tensor<8x16xf32>
}

// An embedding stays as it is, a product of the same tensor does not.
// CHECK-LABEL: attn.weights @shared {
// CHECK-NEXT:    attn.weight @table from ["t"] : tensor<100x8xf32>
// CHECK-NEXT:    attn.weight @table.bf16 from ["t"] : tensor<100x8xbf16>
// CHECK-NEXT:  }
attn.weights @shared {
  attn.weight @table from ["t"] : tensor<100x8xf32>
}

// CHECK-LABEL: attn.weights @left {
// CHECK-NEXT:    attn.weight @packed from ["p"] panel 16 : tensor<8x8xf32>
// CHECK-NEXT:    attn.weight @positions sinusoidal : tensor<8x8xf32>
// CHECK-NEXT:    attn.weight @half from ["h"] : tensor<8x8xf16>
// CHECK-NEXT:  }
attn.weights @left {
  attn.weight @packed from ["p"] panel 16 : tensor<8x8xf32>
  attn.weight @positions sinusoidal : tensor<8x8xf32>
  attn.weight @half from ["h"] : tensor<8x8xf16>
}

// CHECK-LABEL: func.func @products(
func.func @products(%ids: tensor<?x?xi32>, %e: tensor<?x?x8xf32>, %x: tensor<?x8xf32>, %h: tensor<?x16xf32>, %o: tensor<?x8xf32>, %v: tensor<2x?x64xf32>, %s: tensor<3x?xf32>, %g: tensor<?xi32>)
    -> (tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<2x?x64xf32>, tensor<?xi32>) {
  // CHECK-DAG: %[[W1:.*]] = attn.get_weight @layer::@hidden.weight.bf16 : tensor<16x8xbf16>
  // CHECK-DAG: %[[B1:.*]] = attn.get_weight @layer::@hidden.bias : tensor<16xf32>
  // CHECK-DAG: %[[W2:.*]] = attn.get_weight @layer::@weight.bf16 : tensor<8x16xbf16>
  %w1 = attn.get_weight @layer::@hidden.weight : tensor<16x8xf32>
  %b1 = attn.get_weight @layer::@hidden.bias : tensor<16xf32>
  %w2 = attn.get_weight @layer::@weight : tensor<8x16xf32>
  // CHECK: attn.linear %{{.*}}, %[[W1]] bias(%[[B1]]) outs(%{{.*}}) : (tensor<?x8xf32>, tensor<16x8xbf16>, tensor<16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %0 = attn.linear %x, %w1 bias(%b1) outs(%h) : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  // CHECK: attn.linear %{{.*}}, %[[W2]] outs
  %1 = attn.linear %0, %w2 outs(%o) : (tensor<?x16xf32>, tensor<8x16xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: attn.mlp %{{.*}}, %{{.*}} bias(%[[B1]]) activation relu, %{{.*}} outs(%{{.*}}) : (tensor<?x8xf32>, tensor<16x8xbf16>, tensor<16xf32>, tensor<8x16xbf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %2 = attn.mlp %x, %w1 bias(%b1) activation relu, %w2 outs(%o) : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<16xf32>, tensor<8x16xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  // CHECK: attn.lookup %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>)
  %t = attn.get_weight @shared::@table : tensor<100x8xf32>
  %3 = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: attn.logits %{{.*}}, %{{.*}} columns 100 outs(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<?x8xf32>, tensor<100x8xbf16>,
  %4:3 = attn.logits %x, %t columns 100 outs(%v, %s, %s) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>) -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
  // CHECK: attn.greatest %{{.*}}, %{{.*}} columns 100 outs(%{{.*}}) : (tensor<?x8xf32>, tensor<100x8xbf16>, tensor<?xi32>)
  %5 = attn.greatest %x, %t columns 100 outs(%g) : (tensor<?x8xf32>, tensor<100x8xf32>, tensor<?xi32>) -> tensor<?xi32>
  return %3, %1, %2, %4#0, %5 : tensor<?x?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<2x?x64xf32>, tensor<?xi32>
}

// CHECK-LABEL: func.func @others(
// CHECK: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<?x8xf32>, tensor<1x8x16xf32>, tensor<?x8xf32>)
// CHECK: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>)
// CHECK: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<?x8xf16>, tensor<8x8xf16>, tensor<?x8xf32>)
// CHECK: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>)
func.func @others(%x: tensor<?x8xf32>, %n: tensor<?x8xf16>, %w: tensor<8x8xf32>, %o: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>) {
  %packed = attn.get_weight @left::@packed : tensor<1x8x16xf32>
  %positions = attn.get_weight @left::@positions : tensor<8x8xf32>
  %half = attn.get_weight @left::@half : tensor<8x8xf16>
  %0 = attn.linear %x, %packed outs(%o) : (tensor<?x8xf32>, tensor<1x8x16xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %1 = attn.linear %x, %positions outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %2 = attn.linear %n, %half outs(%o) : (tensor<?x8xf16>, tensor<8x8xf16>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %3 = attn.linear %x, %w outs(%o) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0, %1, %2, %3 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>
}

//--- integers.mlir

// I8-LABEL: attn.weights @layer {
// I8-NEXT:    attn.weight @hidden.i8.scales scales from ["w1"] : tensor<16xf32>
// I8-NEXT:    attn.weight @hidden.i8 from ["w1"] : tensor<16x8xi8>
// I8-NEXT:    attn.weight @weight from ["w2", "w3"] : tensor<8x16xf32>
// I8-NEXT:    attn.weight @weight.i8.scales scales from ["w2", "w3"] : tensor<8xf32>
// I8-NEXT:    attn.weight @weight.i8 from ["w2", "w3"] : tensor<8x16xi8>
// I8-NEXT:  }
attn.weights @layer {
  attn.weight @hidden from ["w1"] : tensor<16x8xf32>
  attn.weight @weight from ["w2", "w3"] : tensor<8x16xf32>
}

// I8-LABEL: func.func @products(
func.func @products(%x: tensor<?x8xf32>, %h: tensor<?x16xf32>, %o: tensor<?x8xf32>, %v: tensor<1x?x64xf32>, %s: tensor<2x?xf32>, %ids: tensor<?x?xi32>, %e: tensor<?x?x8xf32>, %g: tensor<?xi32>)
    -> (tensor<?x8xf32>, tensor<1x?x64xf32>, tensor<?x16xf32>, tensor<?x?x8xf32>, tensor<?xi32>) {
  %w1 = attn.get_weight @layer::@hidden : tensor<16x8xf32>
  %w2 = attn.get_weight @layer::@weight : tensor<8x16xf32>
  // I8-DAG: %[[W1:.*]] = attn.get_weight @layer::@hidden.i8 : tensor<16x8xi8>
  // I8-DAG: %[[S1:.*]] = attn.get_weight @layer::@hidden.i8.scales : tensor<16xf32>
  // I8: attn.linear %{{.*}}, %[[W1]] scales(%[[S1]]) activation relu outs(%{{.*}}) : (tensor<?x8xf32>, tensor<16x8xi8>, tensor<16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  // I8: attn.linear %{{.*}}, %{{.*}} scales(%{{.*}}) outs(%{{.*}}) : (tensor<?x16xf32>, tensor<8x16xi8>, tensor<8xf32>, tensor<?x8xf32>)
  %0 = attn.linear %x, %w1 activation relu outs(%h) : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = attn.linear %0, %w2 outs(%o) : (tensor<?x16xf32>, tensor<8x16xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  // I8: attn.logits %{{.*}}, %{{.*}} scales(%{{.*}}) columns 16 outs(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<?x8xf32>, tensor<16x8xi8>, tensor<16xf32>,
  %2:3 = attn.logits %x, %w1 columns 16 outs(%v, %s, %s) : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<1x?x64xf32>, tensor<2x?xf32>, tensor<2x?xf32>) -> (tensor<1x?x64xf32>, tensor<2x?xf32>, tensor<2x?xf32>)
  // A transposed one stays as it is.
  // I8: attn.linear %{{.*}}, %{{.*}} outs(%{{.*}}) {transposed} : (tensor<?x8xf32>, tensor<8x16xf32>, tensor<?x16xf32>)
  %3 = attn.linear %x, %w2 outs(%h) {transposed} : (tensor<?x8xf32>, tensor<8x16xf32>, tensor<?x16xf32>) -> tensor<?x16xf32>
  // A table is the same weight as that of a product.
  // I8: attn.lookup %{{.*}}, %{{.*}} scales(%{{.*}}) outs(%{{.*}}) : (tensor<?x?xi32>, tensor<16x8xi8>, tensor<16xf32>, tensor<?x?x8xf32>)
  %4 = attn.lookup %ids, %w1 outs(%e) : (tensor<?x?xi32>, tensor<16x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // I8: attn.greatest %{{.*}}, %{{.*}} scales(%{{.*}}) columns 16
  %5 = attn.greatest %x, %w1 columns 16 outs(%g) : (tensor<?x8xf32>, tensor<16x8xf32>, tensor<?xi32>) -> tensor<?xi32>
  return %1, %2#0, %3, %4, %5 : tensor<?x8xf32>, tensor<1x?x64xf32>, tensor<?x16xf32>, tensor<?x?x8xf32>, tensor<?xi32>
}

//--- type.mlir

// expected-error@+1 {{expected 'bf16' or 'i8' as element type of weights, got 'i4'}}
module {}
