// RUN: split-file %s %t
// RUN: attn-opt %t/pack.mlir --attn-pack-weights | FileCheck %s
// RUN: attn-opt %t/pack.mlir --attn-pack-weights=panel=48 | FileCheck %s --check-prefix=WIDE
// RUN: attn-opt %t/tiles.mlir --attn-pack-weights | FileCheck %s --check-prefix=TILES
// RUN: sed -e s/+amx-bf16/-amx-bf16/ %t/tiles.mlir | attn-opt --attn-pack-weights | FileCheck %s --check-prefix=TILES
// RUN: attn-opt %t/integers.mlir --attn-pack-weights | FileCheck %s --check-prefix=I8
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

// A table of embeddings that is the output projection too is there once. Where the
// table is a weight of its own, in another group or of other floats, it has the
// same panels, and so the same bytes.
// CHECK-LABEL: attn.weights @shared {
// CHECK-NEXT:    attn.weight @table from ["t"] panel 16 : tensor<100x24xf32>
// CHECK-NEXT:  }
attn.weights @shared {
  attn.weight @table from ["t"] : tensor<100x24xf32>
}
// CHECK-LABEL: attn.weights @encoder {
// CHECK-NEXT:    attn.weight @narrow.f32 from ["t"] panel 16 : tensor<100x24xf32>
// CHECK-NEXT:    attn.weight @other from ["u"] : tensor<100x24xf16>
// CHECK-NEXT:  }
attn.weights @encoder {
  attn.weight @narrow from ["t"] : tensor<100x24xf16>
  attn.weight @other from ["u"] : tensor<100x24xf16>
}

// CHECK-LABEL: func.func @tied(
func.func @tied(%ids: tensor<?x?xi32>, %e: tensor<?x?x24xf32>, %o: tensor<?x?x100xf32>) -> (tensor<?x?x100xf32>, tensor<?x?x24xf32>) {
  // CHECK: %[[W:.*]] = attn.get_weight @shared::@table : tensor<7x24x16xf32>
  // CHECK: attn.lookup %{{.*}}, %[[W]] outs(%{{.*}}) {rows = 100 : i64} : (tensor<?x?xi32>, tensor<7x24x16xf32>, tensor<?x?x24xf32>)
  // CHECK: attn.linear %{{.*}}, %[[W]]
  // CHECK: %[[NARROW:.*]] = attn.get_weight @encoder::@narrow.f32 : tensor<7x24x16xf32>
  // CHECK: attn.lookup %{{.*}}, %[[NARROW]]
  // CHECK: %[[OTHER:.*]] = attn.get_weight @encoder::@other : tensor<100x24xf16>
  // CHECK: attn.lookup %{{.*}}, %[[OTHER]]
  %w = attn.get_weight @shared::@table : tensor<100x24xf32>
  %x = attn.lookup %ids, %w outs(%e) : (tensor<?x?xi32>, tensor<100x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %0 = attn.linear %x, %w outs(%o) : (tensor<?x?x24xf32>, tensor<100x24xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  %narrow = attn.get_weight @encoder::@narrow : tensor<100x24xf16>
  %1 = attn.lookup %ids, %narrow outs(%x) : (tensor<?x?xi32>, tensor<100x24xf16>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  %other = attn.get_weight @encoder::@other : tensor<100x24xf16>
  %2 = attn.lookup %ids, %other outs(%1) : (tensor<?x?xi32>, tensor<100x24xf16>, tensor<?x?x24xf32>) -> tensor<?x?x24xf32>
  return %0, %2 : tensor<?x?x100xf32>, tensor<?x?x24xf32>
}

// Of two products in one core, each weight that can be.
// CHECK-LABEL: attn.weights @two_products {
// CHECK-NEXT:    attn.weight @in.weight from ["w1"] panel 16 : tensor<40x24xf32>
// CHECK-NEXT:    attn.weight @in.bias from ["b1"] panel 16 : tensor<40xf32>
// CHECK-NEXT:    attn.weight @out.weight from ["w2"] panel 16 : tensor<24x40xf32>
// CHECK-NEXT:    attn.weight @transposed from ["w3"] transposed panel 16 : tensor<24x40xf32>
attn.weights @two_products {
  attn.weight @in.weight from ["w1"] : tensor<40x24xf32>
  attn.weight @in.bias from ["b1"] : tensor<40xf32>
  attn.weight @out.weight from ["w2"] : tensor<24x40xf32>
  attn.weight @transposed from ["w3"] : tensor<24x40xf32>
}

// CHECK-LABEL: func.func @of_two_products(
func.func @of_two_products(%x: tensor<?x24xf32>, %b: tensor<24xf32>) -> tensor<?x24xf32> {
  // CHECK-DAG: %[[W1:.*]] = attn.get_weight @two_products::@in.weight : tensor<3x24x16xf32>
  // CHECK-DAG: %[[B1:.*]] = attn.get_weight @two_products::@in.bias : tensor<48xf32>
  // CHECK-DAG: %[[W2:.*]] = attn.get_weight @two_products::@out.weight : tensor<2x40x16xf32>
  // CHECK-DAG: %[[W3:.*]] = attn.get_weight @two_products::@transposed : tensor<3x24x16xf32>
  // CHECK: %[[Y:.*]] = attn.mlp %{{[^ ]*}}, %[[W1]] bias(%[[B1]]) activation relu, %[[W2]] outs
  // CHECK: attn.mlp %[[Y]], %[[W3]] activation relu, %[[W2]] outs(%{{[^)]*}}) :
  %w1 = attn.get_weight @two_products::@in.weight : tensor<40x24xf32>
  %b1 = attn.get_weight @two_products::@in.bias : tensor<40xf32>
  %w2 = attn.get_weight @two_products::@out.weight : tensor<24x40xf32>
  %w3 = attn.get_weight @two_products::@transposed : tensor<24x40xf32>
  %0 = attn.mlp %x, %w1 bias(%b1) activation relu, %w2 outs(%x) : (tensor<?x24xf32>, tensor<40x24xf32>, tensor<40xf32>, tensor<24x40xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %1 = attn.mlp %0, %w3 activation relu, %w2 outs(%x) {hidden_transposed} : (tensor<?x24xf32>, tensor<24x40xf32>, tensor<24x40xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  return %1 : tensor<?x24xf32>
}

// One matrix, transposed and as it is.
// CHECK-LABEL: attn.weights @both_ways {
// CHECK-NEXT:    attn.weight @w from ["w"] : tensor<24x24xf32>
// CHECK-DAG:     attn.weight @w.packed{{.*}} from ["w"] panel 16 : tensor<24x24xf32>
// CHECK-DAG:     attn.weight @w.packed{{.*}} from ["w"] transposed panel 16 : tensor<24x24xf32>
attn.weights @both_ways {
  attn.weight @w from ["w"] : tensor<24x24xf32>
}
func.func @in_both_ways(%x: tensor<?x24xf32>, %o: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %w = attn.get_weight @both_ways::@w : tensor<24x24xf32>
  %0 = attn.linear %x, %w outs(%o) : (tensor<?x24xf32>, tensor<24x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  %1 = attn.linear %0, %w outs(%o) {transposed} : (tensor<?x24xf32>, tensor<24x24xf32>, tensor<?x24xf32>) -> tensor<?x24xf32>
  return %1 : tensor<?x24xf32>
}

// Without tiles, bf16 is in panels as f32 is.
// CHECK-LABEL: attn.weights @bf16 {
// CHECK-NEXT:    attn.weight @w from ["w"] transposed panel 16 : tensor<40x24xbf16>
attn.weights @bf16 {
  attn.weight @w from ["w"] : tensor<40x24xbf16>
}
func.func @of_bf16(%x: tensor<?x40xbf16>, %o: tensor<?x24xf32>) -> tensor<?x24xf32> {
  %w = attn.get_weight @bf16::@w : tensor<40x24xbf16>
  %0 = attn.linear %x, %w outs(%o) {transposed} : (tensor<?x40xbf16>, tensor<40x24xbf16>, tensor<?x24xf32>) -> tensor<?x24xf32>
  return %0 : tensor<?x24xf32>
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

//--- tiles.mlir

module attributes {attn.target = #attn.target<cpu = "sapphirerapids", features = "+avx2,+avx512f,+avx512bf16,+amx-bf16">} {

// f32 has no tiles, and biases have not.
// TILES-LABEL: attn.weights @w {
// TILES-NEXT:    attn.weight @plain from ["a"] panel 32 by 2 : tensor<100x70xbf16>
// TILES-NEXT:    attn.weight @bias from ["b"] panel 32 : tensor<100xbf16>
// TILES-NEXT:    attn.weight @transposed from ["c"] transposed panel 32 by 2 : tensor<100x70xbf16>
// TILES-NEXT:    attn.weight @f32 from ["d"] panel 32 : tensor<100x70xf32>
attn.weights @w {
  attn.weight @plain from ["a"] : tensor<100x70xbf16>
  attn.weight @bias from ["b"] : tensor<100xbf16>
  attn.weight @transposed from ["c"] : tensor<100x70xbf16>
  attn.weight @f32 from ["d"] : tensor<100x70xf32>
}

// TILES-LABEL: func.func @linear(
func.func @linear(%x: tensor<?x70xbf16>, %y: tensor<?x70xf32>, %o: tensor<?x100xbf16>, %p: tensor<?x70xbf16>, %q: tensor<?x100xf32>) {
  %plain = attn.get_weight @w::@plain : tensor<100x70xbf16>
  %bias = attn.get_weight @w::@bias : tensor<100xbf16>
  %transposed = attn.get_weight @w::@transposed : tensor<100x70xbf16>
  %f32 = attn.get_weight @w::@f32 : tensor<100x70xf32>
  // TILES: attn.linear %{{.*}} : (tensor<?x70xbf16>, tensor<4x3x2x16x32xbf16>, tensor<128xbf16>, tensor<?x100xbf16>)
  // TILES: attn.linear %{{[^{]*}} : (tensor<?x100xbf16>, tensor<3x4x2x16x32xbf16>, tensor<?x70xbf16>)
  // TILES: attn.linear %{{.*}} : (tensor<?x70xf32>, tensor<4x70x32xf32>, tensor<?x100xf32>)
  %0 = attn.linear %x, %plain bias(%bias) outs(%o) : (tensor<?x70xbf16>, tensor<100x70xbf16>, tensor<100xbf16>, tensor<?x100xbf16>) -> tensor<?x100xbf16>
  %1 = attn.linear %0, %transposed outs(%p) {transposed} : (tensor<?x100xbf16>, tensor<100x70xbf16>, tensor<?x70xbf16>) -> tensor<?x70xbf16>
  %2 = attn.linear %y, %f32 outs(%q) : (tensor<?x70xf32>, tensor<100x70xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return
}

// A hidden matrix of 96 columns is whole tiles, one of 100 is not.
// TILES-LABEL: attn.weights @mlp {
// TILES-NEXT:    attn.weight @in.96 from ["a"] panel 32 by 2 : tensor<96x40xbf16>
// TILES-NEXT:    attn.weight @out.96 from ["b"] panel 32 by 2 : tensor<40x96xbf16>
// TILES-NEXT:    attn.weight @in.100 from ["c"] : tensor<100x40xbf16>
// TILES-NEXT:    attn.weight @out.100 from ["d"] : tensor<40x100xbf16>
attn.weights @mlp {
  attn.weight @in.96 from ["a"] : tensor<96x40xbf16>
  attn.weight @out.96 from ["b"] : tensor<40x96xbf16>
  attn.weight @in.100 from ["c"] : tensor<100x40xbf16>
  attn.weight @out.100 from ["d"] : tensor<40x100xbf16>
}
func.func @mlp_layers(%x: tensor<?x40xbf16>) {
  %a = attn.get_weight @mlp::@in.96 : tensor<96x40xbf16>
  %b = attn.get_weight @mlp::@out.96 : tensor<40x96xbf16>
  %c = attn.get_weight @mlp::@in.100 : tensor<100x40xbf16>
  %d = attn.get_weight @mlp::@out.100 : tensor<40x100xbf16>
  %0 = attn.mlp %x, %a activation relu, %b outs(%x) : (tensor<?x40xbf16>, tensor<96x40xbf16>, tensor<40x96xbf16>, tensor<?x40xbf16>) -> tensor<?x40xbf16>
  %1 = attn.mlp %0, %c activation relu, %d outs(%x) : (tensor<?x40xbf16>, tensor<100x40xbf16>, tensor<40x100xbf16>, tensor<?x40xbf16>) -> tensor<?x40xbf16>
  return
}
}

//--- integers.mlir

// i8 has one layout for all targets, and what goes with it is as wide.
module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
// I8-LABEL: attn.weights @w {
// I8-NEXT:    attn.weight @matrix from ["a"] panel 32 by 4 : tensor<100x70xi8>
// I8-NEXT:    attn.weight @scales scales from ["a"] panel 32 : tensor<100xf32>
// I8-NEXT:    attn.weight @bias from ["b"] : tensor<100xf32>
// I8-NEXT:    attn.weight @bias.{{.*}} from ["b"] panel 16 : tensor<100xf32>
// I8-NEXT:    attn.weight @bias.{{.*}} from ["b"] panel 32 : tensor<100xf32>
// I8-NEXT:    attn.weight @f32 from ["a"] panel 16 : tensor<100x70xf32>
attn.weights @w {
  attn.weight @matrix from ["a"] : tensor<100x70xi8>
  attn.weight @scales scales from ["a"] : tensor<100xf32>
  attn.weight @bias from ["b"] : tensor<100xf32>
  attn.weight @f32 from ["a"] : tensor<100x70xf32>
}

func.func @linear(%x: tensor<?x70xf32>, %o: tensor<?x100xf32>, %ids: tensor<?x?xi32>, %e: tensor<?x?x70xf32>) -> (tensor<?x100xf32>, tensor<?x100xf32>, tensor<?x?x70xf32>) {
  %matrix = attn.get_weight @w::@matrix : tensor<100x70xi8>
  %scales = attn.get_weight @w::@scales : tensor<100xf32>
  %bias = attn.get_weight @w::@bias : tensor<100xf32>
  %f32 = attn.get_weight @w::@f32 : tensor<100x70xf32>
  // I8: attn.linear %{{.*}}, %{{.*}} scales(%{{.*}}) bias(%{{.*}}) outs(%{{.*}}) : (tensor<?x70xf32>, tensor<4x2x2x16x64xi8>, tensor<128xf32>, tensor<128xf32>, tensor<?x100xf32>)
  // I8: attn.linear %{{.*}}, %{{.*}} bias(%{{.*}}) outs(%{{.*}}) : (tensor<?x70xf32>, tensor<7x70x16xf32>, tensor<112xf32>, tensor<?x100xf32>)
  %0 = attn.linear %x, %matrix scales(%scales) bias(%bias) outs(%o) : (tensor<?x70xf32>, tensor<100x70xi8>, tensor<100xf32>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  %1 = attn.linear %x, %f32 bias(%bias) outs(%o) : (tensor<?x70xf32>, tensor<100x70xf32>, tensor<100xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  // I8: attn.lookup %{{.*}}, %{{.*}} scales(%{{.*}}) outs(%{{.*}}) {rows = 100 : i64} : (tensor<?x?xi32>, tensor<4x2x2x16x64xi8>, tensor<128xf32>, tensor<?x?x70xf32>)
  %2 = attn.lookup %ids, %matrix scales(%scales) outs(%e) : (tensor<?x?xi32>, tensor<100x70xi8>, tensor<100xf32>, tensor<?x?x70xf32>) -> tensor<?x?x70xf32>
  return %0, %1, %2 : tensor<?x100xf32>, tensor<?x100xf32>, tensor<?x?x70xf32>
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
