// RUN: split-file %s %t
// RUN: attn-opt %t/globals.mlir --attn-import-globals | FileCheck %s
// RUN: attn-opt %t/invalid.mlir --attn-import-globals --split-input-file --verify-diagnostics

//--- globals.mlir

// Names that are taken stay whose they were.
// CHECK:      func.func private @globals()
func.func private @globals()

// CHECK:      attn.weights @globals_0 {
// CHECK-NEXT:   attn.weight @w1 from ["w1"] : tensor<8x16xf32>
// CHECK-NEXT:   attn.weight @b1 from ["b1"] : tensor<16xbf16>
// CHECK-NEXT:   attn.weight @general from ["general"] : tensor<4xf16>
// CHECK-NEXT:   attn.weight @bytes from ["bytes"] : tensor<2x4x8xi8>
// CHECK-NEXT:   attn.weight @unused from ["unused"] : tensor<f32>
// CHECK-NEXT: }
// CHECK-NOT:  ml_program
ml_program.global private @w1(#ml_program.extern<tensor<8x16xf32>>) : tensor<8x16xf32>
ml_program.global private @b1(#ml_program.extern : tensor<16xbf16>) : tensor<16xbf16>
ml_program.global private @general(#ml_program.extern : tensor<4xf16>) : tensor<?xf16>
ml_program.global private @bytes(#ml_program.extern<tensor<2x4x8xi8>>) : tensor<2x4x8xi8>
ml_program.global private @unused(#ml_program.extern<tensor<f32>>) : tensor<f32>
ml_program.global private @with_value(dense<[1, 2]> : tensor<2xi32>) : tensor<2xi32>

// CHECK-LABEL: func.func @loads(
func.func @loads() -> (tensor<8x16xf32>, tensor<16xbf16>, tensor<?xf16>, tensor<2xi32>, tensor<8x16xf32>) {
  // CHECK: %[[W1:.*]] = attn.get_weight @globals_0::@w1 : tensor<8x16xf32>
  // CHECK: %[[B1:.*]] = attn.get_weight @globals_0::@b1 : tensor<16xbf16>
  // CHECK: %[[G:.*]] = attn.get_weight @globals_0::@general : tensor<4xf16>
  // CHECK: %[[CAST:.*]] = tensor.cast %[[G]] : tensor<4xf16> to tensor<?xf16>
  // CHECK: %[[VALUE:.*]] = arith.constant dense<[1, 2]> : tensor<2xi32>
  // CHECK: %[[AGAIN:.*]] = attn.get_weight @globals_0::@w1 : tensor<8x16xf32>
  // CHECK: return %[[W1]], %[[B1]], %[[CAST]], %[[VALUE]], %[[AGAIN]]
  %w1 = ml_program.global_load_const @w1 : tensor<8x16xf32>
  %b1 = ml_program.global_load_const @b1 : tensor<16xbf16>
  %general = ml_program.global_load_const @general : tensor<?xf16>
  %value = ml_program.global_load_const @with_value : tensor<2xi32>
  %again = ml_program.global_load @w1 : tensor<8x16xf32>
  return %w1, %b1, %general, %value, %again : tensor<8x16xf32>, tensor<16xbf16>, tensor<?xf16>, tensor<2xi32>, tensor<8x16xf32>
}

//--- invalid.mlir

// expected-error@+1 {{expected a global that is not mutable, got 'state'; hint: weights do not change, pass what does as an argument}}
ml_program.global private mutable @state(dense<0.0> : tensor<4xf32>) : tensor<4xf32>

// -----

// expected-error@+1 {{expected the external global 'ids' to be a tensor of f32, f16 or bf16, or of i8 and of rank 2 at least, and of static shape, got 'tensor<4xi32>'}}
ml_program.global private @ids(#ml_program.extern<tensor<4xi32>>) : tensor<4xi32>

// -----

// expected-error@+1 {{expected the external global 'w' to be a tensor of f32, f16 or bf16, or of i8 and of rank 2 at least, and of static shape, got 'tensor<?xf32>'}}
ml_program.global private @w(#ml_program.extern<tensor<?xf32>>) : tensor<?xf32>

// -----

// expected-error@+1 {{expected the external global 'scalar' to be a tensor of f32, f16 or bf16, or of i8 and of rank 2 at least, and of static shape, got 'f32'}}
ml_program.global private @scalar(#ml_program.extern<f32>) : f32

// -----

// expected-error@+1 {{expected the global 'scalar' to be a tensor or '#ml_program.extern', got 1.000000e+00 : f32}}
ml_program.global private @scalar(1.0 : f32) : f32

// -----

ml_program.global private @w(#ml_program.extern<tensor<4xf32>>) : tensor<4xf32>
ml_program.subgraph @graph() -> tensor<4xf32> {
  // expected-error@+1 {{expected only 'ml_program.global_load_const' of the global 'w', got 'ml_program.global_load_graph'}}
  %0, %token = ml_program.global_load_graph @w ordering(() -> !ml_program.token) : tensor<4xf32>
  ml_program.output %0 : tensor<4xf32>
}

// -----

// expected-error@+1 {{expected a value of 'tensor<3xf32>' for the global 'w', got 'tensor<4xf32>'}}
ml_program.global private @w(#ml_program.extern : tensor<4xf32>) : tensor<3xf32>

// -----

// expected-error@+1 {{expected a value of 'tensor<?x?xf32>' for the global 'constant', got 'tensor<4xf32>'}}
ml_program.global private @constant(dense<1.0> : tensor<4xf32>) : tensor<?x?xf32>
