// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @f(%a: tensor<?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected 'query' of rank 3, got 'tensor<?x8xf32>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x?xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected 'query' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x?xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x6xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected the width of 'query' divisible by 4 heads, got 'tensor<?x?x6xf32>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x6xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{attribute 'heads' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %0 = attn.scores %a, %b outs(%c) {heads = 0 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x16xf32>, %c: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected a number of heads of 'key' that divides 4, got 8 in 'tensor<?x?x16xf32>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<3x?x8xf32>, %c: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected 'key' of shape [2, ?, 8], got 'tensor<3x?x8xf32>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x?x8xf32>, tensor<3x?x8xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<3xi32>, %d: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected 'lengths' of shape [2], got 'tensor<3xi32>'}}
  %0 = attn.scores %a, %b lengths(%c) outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<3xi32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x5x8xf32>, %b: tensor<?x7x8xf32>, %c: tensor<?x4x5x5xf32>) {
  // expected-error@+1 {{expected 'out' of shape [?, 4, 5, 7], got 'tensor<?x4x5x5xf32>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x5x8xf32>, tensor<?x7x8xf32>, tensor<?x4x5x5xf32>) -> tensor<?x4x5x5xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf16>, %c: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected 'key' of the element type of 'query', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf16>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x4x?x?xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'query', 'f32', got 'tensor<?x4x?x?xf16>'}}
  %0 = attn.scores %a, %b outs(%c) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf16>) -> tensor<?x4x?x?xf16>
  return
}

// -----

func.func @f(%a: tensor<f32>, %b: tensor<f32>) {
  // expected-error@+1 {{expected 'input' of rank at least 1, got 'tensor<f32>'}}
  %0 = attn.softmax %a outs(%b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<5xf32>) {
  // expected-error@+1 {{expected 'out' of shape [4], got 'tensor<5xf32>'}}
  %0 = attn.softmax %a outs(%b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @f(%a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'input', 'f32', got 'tensor<4xf16>'}}
  %0 = attn.softmax %a outs(%b) : (tensor<4xf32>, tensor<4xf16>) -> tensor<4xf16>
  return
}

// -----

func.func @f(%a: tensor<?x?x?xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'probabilities' of rank 4, got 'tensor<?x?x?xf32>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x?x?xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'probabilities' with a static number of heads, got 'tensor<?x?x?x?xf32>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x?x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x4x?x?xf32>, %b: tensor<?x8xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'value' of rank 3, got 'tensor<?x8xf32>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x4x?x?xf32>, tensor<?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x4x?x?xf32>, %b: tensor<?x?x?xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'value' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x4x?x?xf32>, tensor<?x?x?xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x4x?x?xf32>, %b: tensor<?x?x6xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a number of heads of 'value' that divides 4, got 3 in 'tensor<?x?x6xf32>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x4x?x?xf32>, tensor<?x?x6xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x4x5x7xf32>, %b: tensor<?x5x8xf32>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'value' of shape [?, 7, ?], got 'tensor<?x5x8xf32>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x4x5x7xf32>, tensor<?x5x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x4x5x7xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x7x8xf32>) {
  // expected-error@+1 {{expected 'out' of shape [?, 5, ?], got 'tensor<?x7x8xf32>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x4x5x7xf32>, tensor<?x?x8xf32>, tensor<?x7x8xf32>) -> tensor<?x7x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x4x?x?xf32>, %b: tensor<?x?x8xf16>, %c: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'value' of the element type of 'probabilities', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x4x?x?xf32>, tensor<?x?x8xf16>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x4x?x?xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'probabilities', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.weighted_sum %a, %b outs(%c) : (tensor<?x4x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf16>) -> tensor<?x?x8xf16>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>, %e: tensor<?x4x?x?xf32>, %f: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected one or two destinations, got 3}}
  %0:3 = attn.sdpa %a, %b, %c outs(%d, %e, %f) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>)
  return
}

// -----

func.func @f(%a: tensor<?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'query' of rank 3 or 4, got 'tensor<?x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x?xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'query' of static width, got 'tensor<?x?x?xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x?xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x6xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected the width of 'query' divisible by 4 heads, got 'tensor<?x?x6xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x6xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x6xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected the width of 'value' divisible by 4 heads, got 'tensor<?x?x6xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x6xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x16xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a number of heads of 'key' that divides 4, got 8 in 'tensor<?x?x16xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

// Without rows, queries and keys are of one batch.
func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<3x?x8xf32>, %c: tensor<3x?x8xf32>, %d: tensor<2x?x8xf32>) {
  // expected-error@+1 {{expected 'key' of shape [2, ?, 8], got 'tensor<3x?x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x?x8xf32>, tensor<3x?x8xf32>, tensor<3x?x8xf32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x5x8xf32>, %c: tensor<?x7x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'value' of shape [?, 5, ?], got 'tensor<?x7x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x5x8xf32>, tensor<?x7x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<3x?x8xf32>, %c: tensor<3x?x8xf32>, %d: tensor<2xi32>, %e: tensor<2xi32>, %f: tensor<2x?x8xf32>) {
  // expected-error@+1 {{expected 'lengths' of shape [3], got 'tensor<2xi32>'}}
  %0 = attn.sdpa %a, %b, %c lengths(%d) rows(%e) outs(%f) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x?x8xf32>, tensor<3x?x8xf32>, tensor<3x?x8xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?xi32>, %e: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'causal', a window, 'slopes' or 'biases' where there are 'positions'}}
  %0 = attn.sdpa %a, %b, %c positions(%d) outs(%e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<2x?x8xf32>, %c: tensor<2x?x8xf32>, %d: tensor<3xi32>, %e: tensor<2x?x8xf32>) {
  // expected-error@+1 {{expected 'positions' of shape [2], got 'tensor<3xi32>'}}
  %0 = attn.sdpa %a, %b, %c positions(%d) outs(%e) {causal, heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<3xi32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x?xi32>, %e: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'rows' of rank 1 or 2, got 'tensor<?x?x?xi32>'}}
  %0 = attn.sdpa %a, %b, %c rows(%d) outs(%e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?xi32>, %c: tensor<?x?xi32>) {
  // expected-error@+1 {{expected no 'lengths' where 'rows' are of rank 2}}
  %0 = attn.sdpa %a, %a, %a lengths(%b) rows(%c) outs(%a) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<3x?xi32>, %e: tensor<2x?x8xf32>) {
  // expected-error@+1 {{expected 'rows' of shape [2, ?], got 'tensor<3x?xi32>'}}
  %0 = attn.sdpa %a, %b, %c rows(%d) outs(%e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<3x?xi32>, tensor<2x?x8xf32>) -> tensor<2x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x16xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'out' of shape [?, ?, 16], got 'tensor<?x?x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x16xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>, %e: tensor<?x2x?x?xf32>) {
  // expected-error@+1 {{expected 'shown' of shape [?, 4, ?, ?], got 'tensor<?x2x?x?xf32>'}}
  %0:2 = attn.sdpa %a, %b, %c outs(%d, %e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>)
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf16>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'key' of the element type of 'query', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf16>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf16>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'value' of the element type of 'query', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf16>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xbf16>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'value' of the element type of 'key', 'bf16', got 'tensor<?x?x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xbf16>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf16>, %b: tensor<?x?x8xbf16>, %c: tensor<?x?x8xbf16>, %d: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected 'key' of the element type of 'query', 'f16', got 'tensor<?x?x8xbf16>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf16>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf16>) {
  // expected-error@+1 {{expected 'out' of the element type of 'query', 'f32', got 'tensor<?x?x8xf16>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf16>) -> tensor<?x?x8xf16>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %b: tensor<?x?x8xf32>, %c: tensor<?x?x8xf32>, %d: tensor<?x?x8xf32>, %e: tensor<?x4x?x?xf16>) {
  // expected-error@+1 {{expected 'shown' of the element type of 'query', 'f32', got 'tensor<?x4x?x?xf16>'}}
  %0:2 = attn.sdpa %a, %b, %c outs(%d, %e) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf16>) -> (tensor<?x?x8xf32>, tensor<?x4x?x?xf16>)
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected no 'heads' where they have a dimension of their own, got 4}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x?xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'query' of static width, got 'tensor<2x4x5x?xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x?xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x3x7x8xf32>, %c: tensor<2x4x7x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected a number of heads of 'key' that divides 4, got 3 in 'tensor<2x3x7x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x3x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x7x8xf32>, %c: tensor<2x4x7x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'key' of rank 4, got 'tensor<2x7x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x7x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'value' of rank 4, got 'tensor<2x7x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x7x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x?xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'value' of static width, got 'tensor<2x4x7x?xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x?xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x6x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'value' of shape [2, 4, 7, ?], got 'tensor<2x4x6x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x6x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x16xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'out' of shape [2, 4, 5, 16], got 'tensor<2x4x5x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x16xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x8xf32>, %d: tensor<2x4x5x8xf32>, %p: tensor<2x4x5x5xf32>) {
  // expected-error@+1 {{expected 'shown' of shape [2, 4, 5, 7], got 'tensor<2x4x5x5xf32>'}}
  %0:2 = attn.sdpa %a, %b, %c outs(%d, %p) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x5xf32>) -> (tensor<2x4x5x8xf32>, tensor<2x4x5x5xf32>)
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x8xf32>, %m: tensor<5x7xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'mask' of rank 4, got 'tensor<5x7xf32>'}}
  %0 = attn.sdpa %a, %b, %c mask(%m) outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<5x7xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x8xf32>, %m: tensor<1x2x5x7xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'mask' of shape [1, 4, 5, 7], got 'tensor<1x2x5x7xf32>'}}
  %0 = attn.sdpa %a, %b, %c mask(%m) outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<1x2x5x7xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

// Keys are not broadcast: a mask of one key would be none.
func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x8xf32>, %m: tensor<2x1x1x1xi1>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'mask' of shape [2, 1, 1, 7], got 'tensor<2x1x1x1xi1>'}}
  %0 = attn.sdpa %a, %b, %c mask(%m) outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x1x1x1xi1>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x4x7x8xf32>, %c: tensor<2x4x7x8xf32>, %m: tensor<1x1x5x7xf16>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'mask' of the element type of 'query', 'f32', got 'tensor<1x1x5x7xf16>'}}
  %0 = attn.sdpa %a, %b, %c mask(%m) outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x7x8xf32>, tensor<1x1x5x7xf16>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x5x32xf32>, %b: tensor<2x7x32xf32>, %c: tensor<2x7x32xf32>, %m: tensor<2x5x5x7xi1>, %d: tensor<2x5x32xf32>) {
  // expected-error@+1 {{expected 'mask' of shape [2, 4, 5, 7], got 'tensor<2x5x5x7xi1>'}}
  %0 = attn.sdpa %a, %b, %c mask(%m) outs(%d) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<2x5x32xf32>, tensor<2x7x32xf32>, tensor<2x7x32xf32>, tensor<2x5x5x7xi1>, tensor<2x5x32xf32>) -> tensor<2x5x32xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'softcap' to be finite and above 0, got 0.000000e+00 : f64}}
  %0 = attn.sdpa %a, %a, %a outs(%d) {scale = 0.5 : f64, softcap = 0.0 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %s: tensor<3xf32>) {
  // expected-error@+1 {{expected 'slopes' of shape [4], got 'tensor<3xf32>'}}
  %0 = attn.sdpa %a, %a, %a slopes(%s) outs(%a) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<3xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %s: tensor<3x9xf32>) {
  // expected-error@+1 {{expected 'biases' of shape [4, ?], got 'tensor<3x9xf32>'}}
  %0 = attn.sdpa %a, %a, %a biases(%s) outs(%a) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<3x9xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %s: tensor<4x8xf32>) {
  // expected-error@+1 {{expected 'biases' of an odd number of distances, got 'tensor<4x8xf32>'}}
  %0 = attn.sdpa %a, %a, %a biases(%s) outs(%a) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<4x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<2x4x5x8xf32>, %s: tensor<3xf32>) {
  // expected-error@+1 {{expected 'sinks' of shape [4], got 'tensor<3xf32>'}}
  %0 = attn.sdpa %a, %a, %a sinks(%s) outs(%a) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<2x4x5x8xf32>, tensor<3xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

// Values have as many heads as keys.
func.func @f(%a: tensor<2x4x5x8xf32>, %b: tensor<2x2x7x8xf32>, %c: tensor<2x4x7x8xf32>, %d: tensor<2x4x5x8xf32>) {
  // expected-error@+1 {{expected 'value' of shape [2, 2, 7, ?], got 'tensor<2x4x7x8xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%d) {scale = 0.5 : f64} : (tensor<2x4x5x8xf32>, tensor<2x2x7x8xf32>, tensor<2x4x7x8xf32>, tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x32xf32>, %b: tensor<?x?x12xf32>) {
  // expected-error@+1 {{expected 'key' with heads of 8 elements, got 'tensor<?x?x12xf32>'}}
  %0 = attn.sdpa %a, %b, %b outs(%a) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x32xf32>, tensor<?x?x12xf32>, tensor<?x?x12xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return
}

// -----

// Two heads of keys and of values, so four of the result are twice as wide.
func.func @f(%a: tensor<?x?x32xf32>, %b: tensor<?x?x16xf32>, %c: tensor<?x?x10xf32>) {
  // expected-error@+1 {{expected 'out' of shape [?, ?, 20], got 'tensor<?x?x32xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%a) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x32xf32>, tensor<?x?x16xf32>, tensor<?x?x10xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x32xf32>, %b: tensor<?x?x16xf32>, %c: tensor<?x?x9xf32>) {
  // expected-error@+1 {{expected the width of 'value' divisible by 2 heads, got 'tensor<?x?x9xf32>'}}
  %0 = attn.sdpa %a, %b, %c outs(%a) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x32xf32>, tensor<?x?x16xf32>, tensor<?x?x9xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %s: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{attribute 'window_before' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = attn.scores %a, %a outs(%s) {heads = 4 : i64, scale = 0.5 : f64, window_before = -1 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %s: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{attribute 'window_before' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = attn.sdpa %a, %a, %a outs(%a) {heads = 4 : i64, scale = 0.5 : f64, window_before = -1 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %s: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{attribute 'window_after' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = attn.scores %a, %a outs(%s) {heads = 4 : i64, scale = 0.5 : f64, window_after = -1 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  return
}

// -----

func.func @f(%a: tensor<?x?x8xf32>, %s: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{attribute 'window_after' failed to satisfy constraint: 64-bit signless integer attribute whose value is non-negative}}
  %0 = attn.sdpa %a, %a, %a outs(%a) {heads = 4 : i64, scale = 0.5 : f64, window_after = -1 : i64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%q: memref<?x?x8xf32>) {
  // expected-error@+1 {{result #0 must be variadic of ranked tensor of}}
  %0 = attn.sdpa %q, %q, %q outs(%q) {scale = 0.5 : f64} : (memref<?x?x8xf32>, memref<?x?x8xf32>, memref<?x?x8xf32>, memref<?x?x8xf32>) -> memref<?x?x8xf32>
  return
}
