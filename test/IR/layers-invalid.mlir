// RUN: attn-opt %s --split-input-file --verify-diagnostics

attn.weights @w {
  attn.weight @table from ["table"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?xi32>) {
  // expected-error@+1 {{expected 'ids' of rank 2, got 'tensor<?xi32>'}}
  %0 = attn.embedding %a weights @w : (tensor<?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @table from ["table"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?x?xi64>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of 32-bit signless integer values}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi64>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @table from ["table"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<2x?xi32>) {
  // expected-error@+1 {{expected 'result' of shape [2, ?, ?], got 'tensor<3x?x8xf32>'}}
  %0 = attn.embedding %a weights @w : (tensor<2x?xi32>) -> tensor<3x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @table from ["table"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?x?xi32>) {
  // expected-error@+1 {{expected 'result' of shape [?, ?, ?], got 'tensor<?x8xf32>'}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi32>) -> tensor<?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @table from ["table"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?x?xi32>) {
  // expected-error@+1 {{expected 'result' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi32>) -> tensor<?x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?xi32>) {
  // expected-error@+1 {{expected the symbol of an 'attn.weights' group, got @w}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func private @w()
func.func @f(%a: tensor<?x?xi32>) {
  // expected-error@+1 {{expected the symbol of an 'attn.weights' group, got @w}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
}
func.func @f(%a: tensor<?x?xi32>) {
  // expected-error@+1 {{expected weight 'table' in @w}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @table from ["table"] : tensor<100x16xf32>
}
func.func @f(%a: tensor<?x?xi32>) {
  // expected-error@+1 {{expected 'table' of shape [?, 8], got 'tensor<100x16xf32>'}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @table from ["table"] : tensor<100x8xf32>
  attn.weight @positions from ["positions"] : tensor<32x16xf32>
}
func.func @f(%a: tensor<?x?xi32>) {
  // expected-error@+1 {{expected 'positions' of shape [?, 8], got 'tensor<32x16xf32>'}}
  %0 = attn.embedding %a weights @w : (tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'input' of rank 3, got 'tensor<?x8xf32>'}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a result of the input's type, 'tensor<?x?x8xf32>', got 'tensor<?x?x32xf32>'}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x32xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected the symbol of an 'attn.weights' group, got @w}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'in.weight' in @w}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'out.weight' in @w}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'norm.weight' in @w}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'norm.bias' in @w}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<8x32xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'in.weight' of shape [?, 8], got 'tensor<8x32xf32>'}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x16xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'out.weight' of shape [8, 32], got 'tensor<8x16xf32>'}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
  attn.weight @in.bias from ["in.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'in.bias' of shape [32], got 'tensor<8xf32>'}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
  attn.weight @out.bias from ["out.bias"] : tensor<32xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'out.bias' of shape [8], got 'tensor<32xf32>'}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @in.weight from ["in.weight"] : tensor<32x8xf32>
  attn.weight @out.weight from ["out.weight"] : tensor<8x32xf32>
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xbf16>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'norm.weight' of the element type of 'input', 'f32', got 'tensor<8xbf16>'}}
  %0 = attn.feed_forward %a weights @w activation relu : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<8xf32>) {
  // expected-error@+1 {{expected 'input' of rank 3, got 'tensor<8xf32>'}}
  %0 = attn.normalize %a weights @w : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a result of the input's type, 'tensor<?x?x8xf32>', got 'tensor<?x?x8xf16>'}}
  %0 = attn.normalize %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x8xf16>
  return
}

// -----

attn.weights @w {
  attn.weight @norm.weight from ["norm.weight"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'norm.bias' in @w}}
  %0 = attn.normalize %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @norm.weight from ["norm.weight"] : tensor<9xf32>
  attn.weight @norm.bias from ["norm.bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'norm.weight' of shape [8], got 'tensor<9xf32>'}}
  %0 = attn.normalize %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @weight from ["weight"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?x8xf32>) {
  // expected-error@+1 {{expected 'input' of rank 3, got 'tensor<?x8xf32>'}}
  %0 = attn.project %a weights @w : (tensor<?x8xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @weight from ["weight"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?x?x?xf32>) {
  // expected-error@+1 {{expected 'input' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.project %a weights @w : (tensor<?x?x?xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @weight from ["weight"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<2x?x8xf32>) {
  // expected-error@+1 {{expected 'result' of shape [2, ?, ?], got 'tensor<3x?x100xf32>'}}
  %0 = attn.project %a weights @w : (tensor<2x?x8xf32>) -> tensor<3x?x100xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @weight from ["weight"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'result' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.project %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x?xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @weight from ["weight"] : tensor<100x8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'result' of the element type of 'input', 'f32', got 'tensor<?x?x100xf16>'}}
  %0 = attn.project %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x100xf16>
  return
}

// -----

attn.weights @w {
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected weight 'weight' in @w}}
  %0 = attn.project %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @weight from ["weight"] : tensor<8x100xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'weight' of shape [100, 8], got 'tensor<8x100xf32>'}}
  %0 = attn.project %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

attn.weights @w {
  attn.weight @weight from ["weight"] : tensor<100x8xf32>
  attn.weight @bias from ["bias"] : tensor<8xf32>
}
func.func @f(%a: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'bias' of shape [100], got 'tensor<8xf32>'}}
  %0 = attn.project %a weights @w : (tensor<?x?x8xf32>) -> tensor<?x?x100xf32>
  return
}

// -----

func.func @f(%t: tensor<32xf32>) {
  // expected-error@+1 {{expected 'table' of rank 2, got 'tensor<32xf32>'}}
  %0 = attn.distance_biases %t {max_distance = 128 : i64} : tensor<32xf32> -> tensor<4x257xf32>
  return
}

// -----

func.func @f(%t: tensor<?x4xf32>) {
  // expected-error@+1 {{expected a static number of buckets, at least 2 for each direction, got 'tensor<?x4xf32>'}}
  %0 = attn.distance_biases %t {max_distance = 128 : i64} : tensor<?x4xf32> -> tensor<4x257xf32>
  return
}

// -----

func.func @f(%t: tensor<2x4xf32>) {
  // expected-error@+1 {{expected a static number of buckets, at least 2 for each direction, got 'tensor<2x4xf32>'}}
  %0 = attn.distance_biases %t {bidirectional, max_distance = 128 : i64} : tensor<2x4xf32> -> tensor<4x257xf32>
  return
}

// -----

func.func @f(%t: tensor<32x4xf32>) {
  // expected-error@+1 {{expected 'max_distance' above the 8 distances with a bucket of their own, got 8}}
  %0 = attn.distance_biases %t {bidirectional, max_distance = 8 : i64} : tensor<32x4xf32> -> tensor<4x17xf32>
  return
}

// -----

func.func @f(%t: tensor<32x4xf32>) {
  // expected-error@+1 {{attribute 'max_distance' failed to satisfy constraint: 64-bit signless integer attribute whose minimum value is 1 whose maximum value is 1048576}}
  %0 = attn.distance_biases %t {max_distance = 1048577 : i64} : tensor<32x4xf32> -> tensor<4x?xf32>
  return
}

// -----

func.func @f(%t: tensor<32x4xf32>) {
  // expected-error@+1 {{expected 'result' of shape [4, 257], got 'tensor<4x256xf32>'}}
  %0 = attn.distance_biases %t {max_distance = 128 : i64} : tensor<32x4xf32> -> tensor<4x256xf32>
  return
}

// -----

func.func @f(%t: tensor<32x4xf32>) {
  // expected-error@+1 {{expected 'result' of the element type of 'table', 'f32', got 'tensor<4x257xbf16>'}}
  %0 = attn.distance_biases %t {max_distance = 128 : i64} : tensor<32x4xf32> -> tensor<4x257xbf16>
  return
}
