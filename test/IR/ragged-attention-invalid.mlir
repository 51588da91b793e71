// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @f(%q: tensor<?x?x8xf32>, %n: tensor<?xi32>) {
  // expected-error@+1 {{expected 'query' with a static batch of 1 where there are 'query_offsets', got 'tensor<?x?x8xf32>'}}
  %0 = attn.sdpa %q, %q, %q query_offsets(%n) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %k: tensor<3x?x8xf32>, %n: tensor<?xi32>) {
  // expected-error@+1 {{expected 'key' with a static batch of 1 where there are 'key_offsets', got 'tensor<3x?x8xf32>'}}
  %0 = attn.sdpa %q, %k, %k query_offsets(%n) key_offsets(%n) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<3x?x8xf32>, tensor<3x?x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<?x2xi32>) {
  // expected-error@+1 {{expected 'query_offsets' of rank 1, got 'tensor<?x2xi32>'}}
  %0 = attn.sdpa %q, %q, %q query_offsets(%n) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<?x2xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<0xi32>) {
  // expected-error@+1 {{expected 'key_offsets' of at least one, got 'tensor<0xi32>'}}
  %0 = attn.sdpa %q, %q, %q key_offsets(%n) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<0xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<4xi32>, %m: tensor<3xi32>) {
  // expected-error@+1 {{expected as many entries of keys as of queries without 'rows', 3, got 2}}
  %0 = attn.sdpa %q, %q, %q query_offsets(%n) key_offsets(%m) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<4xi32>, tensor<3xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}

// -----

// One entry of keys, whose length one number says.
func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<2xi32>, %m: tensor<2xi32>) {
  // expected-error@+1 {{expected 'lengths' of shape [1], got 'tensor<2xi32>'}}
  %0 = attn.sdpa %q, %q, %q lengths(%m) query_offsets(%n) key_offsets(%n) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<4xi32>, %m: tensor<4xi32>) {
  // expected-error@+1 {{expected 'positions' of shape [3], got 'tensor<4xi32>'}}
  %0 = attn.sdpa %q, %q, %q positions(%m) query_offsets(%n) key_offsets(%n) outs(%q) {causal, heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<4xi32>, tensor<4xi32>, tensor<4xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<?xi32>, %m: tensor<?x?xi32>) {
  // expected-error@+1 {{expected no 'key_offsets' where 'rows' are of rank 2}}
  %0 = attn.sdpa %q, %q, %q rows(%m) query_offsets(%n) key_offsets(%n) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<?x?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}

// -----

// Without offsets of their own, keys are of as many entries.
func.func @f(%q: tensor<1x?x8xf32>, %k: tensor<2x?x8xf32>, %n: tensor<4xi32>) {
  // expected-error@+1 {{expected as many entries of keys as of queries without 'rows', 3, got 2}}
  %0 = attn.sdpa %q, %k, %k query_offsets(%n) outs(%q) {heads = 4 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<2x?x8xf32>, tensor<2x?x8xf32>, tensor<4xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return
}
