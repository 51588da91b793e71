// RUN: attn-opt %s --split-input-file --verify-diagnostics

attn.weights @group {
  // expected-error@+1 {{expected only 'attn.weight' in a group}}
  %c = arith.constant 0.0 : f32
}

// -----

// expected-error@+1 {{'attn.weight' op expects parent op 'attn.weights'}}
attn.weight @w from ["w"] : tensor<4xf32>

// -----

attn.weights @group {
  // expected-error@+1 {{expected a static shape, got 'tensor<?x4xf32>'}}
  attn.weight @w from ["w"] : tensor<?x4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{attribute 'type' failed to satisfy constraint}}
  attn.weight @w from ["w"] : tensor<4xi32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected either sources or 'sinusoidal'}}
  attn.weight @w : tensor<4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected either sources or 'sinusoidal'}}
  attn.weight @w from ["w"] sinusoidal : tensor<4x4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected at least one source}}
  attn.weight @w from [] : tensor<4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected sinusoidal positions of shape [P, D], D even, got 'tensor<4x5xf32>'}}
  attn.weight @w sinusoidal : tensor<4x5xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected sinusoidal positions of shape [P, D], D even, got 'tensor<4xf32>'}}
  attn.weight @w sinusoidal : tensor<4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected a matrix or a vector in panels, got 'tensor<2x4x4xf32>'}}
  attn.weight @w from ["w"] panel 2 : tensor<2x4x4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{attribute 'panel' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  attn.weight @w from ["w"] panel 0 : tensor<4x4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected 'transposed' of a matrix in panels, got 'tensor<4x4xf32>'}}
  attn.weight @w from ["w"] transposed : tensor<4x4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected 'transposed' of a matrix in panels, got 'tensor<4xf32>'}}
  attn.weight @w from ["w"] transposed panel 2 : tensor<4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected groups of a matrix in panels of a multiple of 16 columns, got 'tensor<40x40xbf16>'}}
  attn.weight @w from ["w"] panel 24 by 2 : tensor<40x40xbf16>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected groups of a matrix in panels of a multiple of 16 columns, got 'tensor<40xbf16>'}}
  attn.weight @w from ["w"] panel 32 by 2 : tensor<40xbf16>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected 'scales' of sources as a vector of f32, got 'tensor<4x4xf32>'}}
  attn.weight @w scales from ["w"] : tensor<4x4xf32>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected 'scales' of sources as a vector of f32, got 'tensor<4xbf16>'}}
  attn.weight @w scales from ["w"] : tensor<4xbf16>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected a matrix of sources, not transposed, for integers, got 'tensor<4xi8>'}}
  attn.weight @w from ["w"] : tensor<4xi8>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected a matrix of sources, not transposed, for integers, got 'tensor<40x40xi8>'}}
  attn.weight @w from ["w"] transposed panel 32 by 4 : tensor<40x40xi8>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected groups of several numbers that have 32 bits, got 4 of 'bf16'}}
  attn.weight @w from ["w"] panel 32 by 4 : tensor<40x40xbf16>
}

// -----

attn.weights @group {
  // expected-error@+1 {{expected groups of several numbers that have 32 bits, got 1 of 'f32'}}
  attn.weight @w from ["w"] panel 32 by 1 : tensor<40x40xf32>
}

// -----

func.func @f() {
  // expected-error@+1 {{expected the symbol of an 'attn.weight', got @group::@w}}
  %0 = attn.get_weight @group::@w : tensor<4xf32>
  return
}

// -----

attn.weights @group {
}
func.func @f() {
  // expected-error@+1 {{expected the symbol of an 'attn.weight', got @group}}
  %0 = attn.get_weight @group : tensor<4xf32>
  return
}

// -----

attn.weights @group {
  attn.weight @w from ["w"] : tensor<4x8xf32>
}
func.func @f() {
  // expected-error@+1 {{expected the type of the weight, 'tensor<4x8xf32>', got 'tensor<8x4xf32>'}}
  %0 = attn.get_weight @group::@w : tensor<8x4xf32>
  return
}

// -----

attn.weights @group {
  attn.weight @w from ["w"] : tensor<4x8xf32>
}
func.func @f() {
  // expected-error@+1 {{expected the type of the weight, 'tensor<4x8xf32>', got 'tensor<4x8xf16>'}}
  %0 = attn.get_weight @group::@w : tensor<4x8xf16>
  return
}

// -----

attn.weights @group {
  attn.weight @w from ["w"] panel 16 : tensor<40x8xf32>
}
func.func @f() {
  // expected-error@+1 {{expected the type of the weight, 'tensor<3x8x16xf32>', got 'tensor<40x8xf32>'}}
  %0 = attn.get_weight @group::@w : tensor<40x8xf32>
  return
}

// -----

// expected-error@+1 {{expected a path for 'attn.weights_file', got 1 : i64}}
module attributes {attn.weights_file = 1} {}

// -----

// expected-error@+1 {{expected a tensor of f32, f16 or bf16 for each name for 'attn.constants', got {w = dense<1> : tensor<2xi32>}}}
module attributes {attn.constants = {w = dense<1> : tensor<2xi32>}} {}

// -----

// expected-error@+1 {{expected a tensor of f32, f16 or bf16 for each name for 'attn.constants', got "w"}}
module attributes {attn.constants = "w"} {}

// -----

// expected-error@+1 {{expected an #attn.target for 'attn.target', got "native"}}
module attributes {attn.target = "native"} {}

// -----

// expected-error@+1 {{unknown attribute 'attn.weight_file'}}
module attributes {attn.weight_file = "model.safetensors"} {}

// -----

// expected-error@+1 {{expected a string for 'attn.role' of argument 1, got 1 : i64}}
func.func @f(%a: tensor<4xf32>, %b: tensor<4xf32> {attn.role = 1}) {
  return
}

// -----

// expected-error@+1 {{expected a string for each dimension in 'attn.sizes' of argument 1, got ["n"]}}
func.func @f(%a: tensor<4xf32>, %b: tensor<?x4xf32> {attn.sizes = ["n"]}) {
  return
}

// -----

// expected-error@+1 {{unknown attribute 'attn.rule' of argument 0}}
func.func @f(%a: tensor<4xf32> {attn.rule = "ids"}) {
  return
}

// -----

// expected-error@+1 {{expected cache sizes 0 < l1 ≤ l2, got l1 = 65536 and l2 = 4096}}
module attributes {attn.target = #attn.target<cpu = "haswell", features = "", l1 = 65536, l2 = 4096>} {}

// -----

attn.weights @layer {
  // expected-error@+1 {{expected 'norms' of sources as a vector of f32, got 'tensor<4x4xf32>'}}
  attn.weight @w norms from ["w"] : tensor<4x4xf32>
}

// -----

attn.weights @layer {
  // expected-error@+1 {{expected either sources or 'sinusoidal'}}
  attn.weight @w errors : tensor<4xf32>
}

// -----

attn.weights @layer {
  // expected-error@+1 {{expected 'norms' without panels}}
  attn.weight @w norms from ["w"] panel 32 : tensor<4xf32>
}
