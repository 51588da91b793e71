// RUN: attn-opt %s --split-input-file --verify-diagnostics

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'input' of rank 3, got 'tensor<?x8xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x?xf32>) {
  // expected-error@+1 {{expected 'input' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x?xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a result of the input's type, 'tensor<?x?x8xf32>', got 'tensor<2x?x8xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<3xi32>) {
  // expected-error@+1 {{expected 'lengths' of shape [2], got 'tensor<3xi32>'}}
  %0 = attn.self_attention %a lengths(%b) weights @w heads 4 : (tensor<2x?x8xf32>, tensor<3xi32>) -> tensor<2x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?xi32>) {
  // expected-error@+1 {{expected 'lengths' of shape [?], got 'tensor<?x?xi32>'}}
  %0 = attn.self_attention %a lengths(%b) weights @w heads 4 : (tensor<?x?x8xf32>, tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'probabilities' of shape [?, 4, ?, ?], got 'tensor<?x2x?x?xf32>'}}
  %0:2 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>)
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'probabilities' of the element type of 'input', 'f32', got 'tensor<?x4x?x?xf16>'}}
  %0:2 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> (tensor<?x?x8xf32>, tensor<?x4x?x?xf16>)
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{attribute 'heads' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %0 = attn.self_attention %a weights @w heads 0 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected the symbol of an 'attn.weights' group, got @w}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'q.weight' in @w}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'k.weight' in @w}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'v.weight' in @w}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'out.weight' in @w}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'norm.weight' in @w}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'norm.bias' in @w}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x9xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'q.weight' of shape [?, 8], got 'tensor<16x9xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<18x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected rows of 'q.weight' divisible by 4 heads, got 'tensor<18x8xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<8x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'k.weight' of shape [16, 8], got 'tensor<8x8xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x9xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'v.weight' of shape [16, 8], got 'tensor<16x9xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<16x8xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'out.weight' of shape [8, 16], got 'tensor<16x8xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
  attn.weight @q.bias from ["q.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'q.bias' of shape [16], got 'tensor<8xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
  attn.weight @k.bias from ["k.bias"] : tensor<16x1xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'k.bias' of shape [16], got 'tensor<16x1xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
  attn.weight @v.bias from ["v.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'v.bias' of shape [16], got 'tensor<8xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
  attn.weight @out.bias from ["out.bias"] : tensor<16xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'out.bias' of shape [8], got 'tensor<16xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<16xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'norm.weight' of shape [8], got 'tensor<16xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<16xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'norm.bias' of shape [8], got 'tensor<16xf32>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf16>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'norm.bias' of the element type of 'input', 'f32', got 'tensor<8xf16>'}}
  %0 = attn.self_attention %a weights @w heads 4 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x8xf32>, %b: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'input' of rank 3, got 'tensor<?x8xf32>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a result of the input's type, 'tensor<?x?x8xf32>', got 'tensor<2x?x8xf32>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x?xf32>) {
  // expected-error@+1 {{expected 'memory' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x?x8xf32>, tensor<?x?x?xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'memory' of shape [?, ?, ?], got 'tensor<?x8xf32>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x?x8xf32>, tensor<?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<3x?x8xf32>) {
  // expected-error@+1 {{expected 'memory' of shape [2, ?, ?], got 'tensor<3x?x8xf32>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<2x?x8xf32>, tensor<3x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf16>) {
  // expected-error@+1 {{expected 'memory' of the element type of 'input', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x?x8xf32>, tensor<?x?x8xf16>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<3xi32>) {
  // expected-error@+1 {{expected 'lengths' of shape [2], got 'tensor<3xi32>'}}
  %0 = attn.cross_attention %a, %b lengths(%c) weights @w heads 4 : (tensor<?x?x8xf32>, tensor<2x?x8xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x5x8xf32>, %b: tensor<?x7x8xf32>) {
  // expected-error@+1 {{expected 'probabilities' of shape [?, 4, 5, 7], got 'tensor<?x4x5x5xf32>'}}
  %0:2 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x5x8xf32>, tensor<?x7x8xf32>) -> (tensor<?x5x8xf32>, tensor<?x4x5x5xf32>)
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x8xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x12xf32>) {
  // expected-error@+1 {{expected 'k.weight' of shape [16, 12], got 'tensor<16x8xf32>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x?x8xf32>, tensor<?x?x12xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @q.weight from ["q.weight"] : tensor<16x8xf32>
  attn.weight @k.weight from ["k.weight"] : tensor<16x12xf32>
  attn.weight @v.weight from ["v.weight"] : tensor<16x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x12xf32>) {
  // expected-error@+1 {{expected 'v.weight' of shape [16, 12], got 'tensor<16x8xf32>'}}
  %0 = attn.cross_attention %a, %b weights @w heads 4 : (tensor<?x?x8xf32>, tensor<?x?x12xf32>) -> tensor<?x?x8xf32>
  return
}
