// RUN: attn-opt %s | attn-opt | FileCheck %s
// RUN: attn-opt %s --mlir-print-op-generic | attn-opt | FileCheck %s
// RUN: attn-opt %s --emit-bytecode | attn-opt | FileCheck %s

// CHECK: module attributes {attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx2,+avx512f">, attn.weights_file = "model.safetensors"}
module attributes {
  attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx2,+avx512f">,
  attn.weights_file = "model.safetensors"
} {
  // CHECK: attn.weights @layer {
  // CHECK-NEXT: attn.weight @q.weight from ["q"] : tensor<16x8xf32>
  // CHECK-NEXT: attn.weight @qk.weight from ["q", "k"] : tensor<32x8xf16>
  // CHECK-NEXT: attn.weight @positions sinusoidal : tensor<64x8xbf16>
  // CHECK-NEXT: attn.weight @packed.weight from ["q"] panel 12 {note = "kept"} : tensor<16x8xf32>
  // CHECK-NEXT: attn.weight @packed.bias from ["b"] panel 12 : tensor<16xf32>
  // CHECK-NEXT: attn.weight @turned.weight from ["q"] transposed panel 12 : tensor<8x16xf32>
  // CHECK-NEXT: attn.weight @tiles.weight from ["q"] panel 32 by 2 : tensor<40x70xbf16>
  // CHECK-NEXT: attn.weight @turned_tiles.weight from ["q"] transposed panel 16 by 2 : tensor<70x40xbf16>
  // CHECK-NEXT: attn.weight @integers.weight from ["q", "k"] panel 32 by 4 : tensor<40x70xi8>
  // CHECK-NEXT: attn.weight @integers.scales scales from ["q", "k"] panel 32 : tensor<40xf32>
  // CHECK-NEXT: attn.weight @integers.norms norms from ["q", "k"] : tensor<2xf32>
  // CHECK-NEXT: attn.weight @integers.errors errors from ["q", "k"] : tensor<2xf32>
  // CHECK-NEXT: attn.weight @scalar from ["s"] : tensor<f32>
  // CHECK-NEXT: }
  attn.weights @layer {
    attn.weight @q.weight from ["q"] : tensor<16x8xf32>
    attn.weight @qk.weight from ["q", "k"] : tensor<32x8xf16>
    attn.weight @positions sinusoidal : tensor<64x8xbf16>
    attn.weight @packed.weight from ["q"] panel 12 {note = "kept"} : tensor<16x8xf32>
    attn.weight @packed.bias from ["b"] panel 12 : tensor<16xf32>
    attn.weight @turned.weight from ["q"] transposed panel 12 : tensor<8x16xf32>
    attn.weight @tiles.weight from ["q"] panel 32 by 2 : tensor<40x70xbf16>
    attn.weight @turned_tiles.weight from ["q"] transposed panel 16 by 2 : tensor<70x40xbf16>
    attn.weight @integers.weight from ["q", "k"] panel 32 by 4 : tensor<40x70xi8>
    attn.weight @integers.scales scales from ["q", "k"] panel 32 : tensor<40xf32>
    attn.weight @integers.norms norms from ["q", "k"] : tensor<2xf32>
    attn.weight @integers.errors errors from ["q", "k"] : tensor<2xf32>
    attn.weight @scalar from ["s"] : tensor<f32>
  }
  // CHECK: attn.weights @empty attributes {sym_visibility = "private"} {
  // CHECK-NEXT: }
  attn.weights @empty attributes {sym_visibility = "private"} {
  }

  // CHECK-LABEL: func.func @get(
  // CHECK-SAME: {attn.role = "ids", attn.sizes = ["n"]}
  func.func @get(%ids: tensor<?xi32> {attn.role = "ids", attn.sizes = ["n"]}) {
    // CHECK: attn.get_weight @layer::@q.weight : tensor<16x8xf32>
    %0 = attn.get_weight @layer::@q.weight : tensor<16x8xf32>
    // CHECK: attn.get_weight @layer::@packed.weight : tensor<2x8x12xf32>
    %1 = attn.get_weight @layer::@packed.weight : tensor<2x8x12xf32>
    // CHECK: attn.get_weight @layer::@packed.bias : memref<24xf32>
    %2 = attn.get_weight @layer::@packed.bias : memref<24xf32>
    // CHECK: attn.get_weight @layer::@turned.weight : tensor<2x8x12xf32>
    %3 = attn.get_weight @layer::@turned.weight : tensor<2x8x12xf32>
    // CHECK: attn.get_weight @layer::@tiles.weight : tensor<2x3x2x16x32xbf16>
    %4 = attn.get_weight @layer::@tiles.weight : tensor<2x3x2x16x32xbf16>
    // CHECK: attn.get_weight @layer::@turned_tiles.weight : tensor<3x3x1x16x32xbf16>
    %5 = attn.get_weight @layer::@turned_tiles.weight : tensor<3x3x1x16x32xbf16>
    // CHECK: attn.get_weight @layer::@integers.weight : tensor<2x2x2x16x64xi8>
    %6 = attn.get_weight @layer::@integers.weight : tensor<2x2x2x16x64xi8>
    // CHECK: attn.get_weight @layer::@integers.scales : tensor<64xf32>
    %7 = attn.get_weight @layer::@integers.scales : tensor<64xf32>
    return
  }
}
