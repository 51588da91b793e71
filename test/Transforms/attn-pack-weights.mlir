// RUN: split-file %s %t
// RUN: attn-opt %t/pack.mlir --attn-pack-weights | FileCheck %s
// RUN: attn-opt %t/pack.mlir --attn-pack-weights=panel=48 | FileCheck %s --check-prefix=WIDE
// RUN: attn-opt %t/no-target.mlir --attn-pack-weights=panel=16 | FileCheck %s --check-prefix=OPTION
// RUN: attn-opt %t/no-target.mlir --verify-diagnostics --attn-pack-weights
// RUN: attn-opt %t/negative.mlir --verify-diagnostics --attn-pack-weights=panel=-1

//--- pack.mlir

// AVX2 has 8 lanes, so panels are 16 wide.
module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {

// CHECK-LABEL: attn.weights @output {
// CHECK-NEXT:    attn.weight @weight from ["w"] panel 16 : tensor<100x24xf32>
// CHECK-NEXT:    attn.weight @bias from ["b"] panel 16 : tensor<100xf32>
// WIDE-LABEL:  attn.weights @output {
// WIDE-NEXT:     attn.weight @weight from ["w"] panel 48 : tensor<100x24xf32>
attn.weights @output {
  attn.weight @weight from ["w"] : tensor<100x24xf32>
  attn.weight @bias from ["b"] : tensor<100xf32>
}

// CHECK-LABEL: func.func @in_place(
func.func @in_place(%x: tensor<?x24xf32>, %o: tensor<?x100xf32>) -> tensor<?x100xf32> {
  // CHECK: %[[W:.*]] = attn.get_weight @output::@weight : tensor<7x24x16xf32>
  // CHECK: %[[B:.*]] = attn.get_weight @output::@bias : tensor<112xf32>
  // CHECK: attn.linear %{{.*}}, %[[W]] bias(%[[B]]) outs(%{{.*}}) : (tensor<?x24xf32>, tensor<7x24x16xf32>, tensor<112xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  // CHECK: attn.linear %{{.*}}, %[[W]] outs
  // WIDE: attn.get_weight @output::@weight : tensor<3x24x48xf32>
  // WIDE: attn.get_weight @output::@bias : tensor<144xf32>
  %w = attn.get_weight @output::@weight : tensor<100x24xf32>
  %b = attn.get_weight @output::@bias : tensor<100xf32>
  %0 = attn.linear %x, %w bias(%b) outs(%o) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  %1 = attn.linear %x, %w outs(%0) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return %1 : tensor<?x100xf32>
}

// A table of embeddings that is the output projection too is there twice.
// CHECK-LABEL: attn.weights @shared {
// CHECK-NEXT:    attn.weight @table from ["t"] : tensor<100x24xf16>
// CHECK-NEXT:    attn.weight @table.packed from ["t"] panel 16 : tensor<100x24xf16>
// CHECK-NEXT:  }
attn.weights @shared {
  attn.weight @table from ["t"] : tensor<100x24xf16>
}

// CHECK-LABEL: func.func @tied(
func.func @tied(%ids: tensor<?x?xi32>, %e: tensor<?x?x24xf32>, %o: tensor<?x?x100xf32>) -> tensor<?x?x100xf32> {
  // CHECK-DAG: %[[PACKED:.*]] = attn.get_weight @shared::@table.packed : tensor<7x24x16xf16>
  // CHECK-DAG: %[[TABLE:.*]] = attn.get_weight @shared::@table : tensor<100x24xf16>
  // CHECK: attn.lookup %{{.*}}, %[[TABLE]]
  // CHECK: attn.linear %{{.*}}, %[[PACKED]]
  %w = attn.get_weight @shared::@table : tensor<100x24xf16>
  %x = attn.lookup %ids, %w outs(%e) : (tensor<?x?xi32>, tensor<100x24xf16>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %0 = attn.linear %x, %w outs(%o) : (tensor<?x?x24xf32>, tensor<100x24xf16>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %0 : tensor<?x?x100xf32>
}

// Used by a layer as well.
// CHECK-LABEL: attn.weights @layer {
// CHECK-NEXT:    attn.weight @weight from ["w"] : tensor<100x24xf32>
// CHECK-NEXT:    attn.weight @weight.packed from ["w"] panel 16 : tensor<100x24xf32>
attn.weights @layer {
  attn.weight @weight from ["w"] : tensor<100x24xf32>
}
func.func @of_layer(%x: tensor<?x?x24xf32>, %o: tensor<?x?x100xf32>) -> (tensor<?x?x100xf32>, tensor<?x?x100xf32>) {
  %w = attn.get_weight @layer::@weight : tensor<100x24xf32>
  %0 = attn.linear %x, %w outs(%o) : (tensor<?x?x24xf32>, tensor<100x24xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %1 = attn.project %x weights @layer : (tensor<?x?x24xf32>) -> tensor<?x?x100xf32>
  return %0, %1 : tensor<?x?x100xf32>, tensor<?x?x100xf32>
}

// Left alone: sinusoidal weights, weights and biases that are no symbols, what
// is in panels already, weights that no matrix product reads.
// CHECK-LABEL: attn.weights @alone {
// CHECK-NEXT:    attn.weight @sinusoidal sinusoidal : tensor<100x24xf32>
// CHECK-NEXT:    attn.weight @plain from ["w"] : tensor<100x24xf32>
// CHECK-NEXT:    attn.weight @packed from ["w"] panel 8 : tensor<100x24xf32>
// CHECK-NEXT:    attn.weight @norm from ["n"] : tensor<24xf32>
// CHECK-NEXT:  }
attn.weights @alone {
  attn.weight @sinusoidal sinusoidal : tensor<100x24xf32>
  attn.weight @plain from ["w"] : tensor<100x24xf32>
  attn.weight @packed from ["w"] panel 8 : tensor<100x24xf32>
  attn.weight @norm from ["n"] : tensor<24xf32>
}
func.func @left_alone(%x: tensor<?x24xf32>, %w: tensor<100x24xf32>, %b: tensor<100xf32>, %o: tensor<?x100xf32>, %n: tensor<?x24xf32>) {
  %s = attn.get_weight @alone::@sinusoidal : tensor<100x24xf32>
  %p = attn.get_weight @alone::@plain : tensor<100x24xf32>
  %packed = attn.get_weight @alone::@packed : tensor<13x24x8xf32>
  %norm = attn.get_weight @alone::@norm : tensor<24xf32>
  %0 = attn.linear %x, %s outs(%o) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  %1 = attn.linear %x, %p bias(%b) outs(%o) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  %2 = attn.linear %x, %packed outs(%o) : (tensor<?x24xf32>, tensor<13x24x8xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  %3 = attn.linear %x, %w outs(%o) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  %4 = attn.layer_norm %x, %norm, %norm outs(%n) : (tensor<?x24xf32>, tensor<24xf32>, tensor<24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  return
}
}

//--- no-target.mlir

// expected-error@+1 {{expected the module attribute 'attn.target', which says how wide panels are; hint: or give the width as the option 'panel'}}
module {
  // OPTION: attn.weight @weight from ["w"] panel 16
  attn.weights @output {
    attn.weight @weight from ["w"] : tensor<100x24xf32>
  }
  func.func @f(%x: tensor<?x24xf32>, %o: tensor<?x100xf32>) -> tensor<?x100xf32> {
    %w = attn.get_weight @output::@weight : tensor<100x24xf32>
    %0 = attn.linear %x, %w outs(%o) : (tensor<?x24xf32>, tensor<100x24xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
    return %0 : tensor<?x100xf32>
  }
}

//--- negative.mlir

// expected-error@+1 {{expected panels of a positive width, got -1}}
module {}
