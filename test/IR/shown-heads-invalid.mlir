// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @f(%q: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a second destination where there is 'shown_heads'}}
  %0 = attn.sdpa %q, %q, %q outs(%q) {heads = 4 : i64, scale = 0.5 : f64, shown_heads = array<i64: 1>} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a second destination where there is 'shown_mean'}}
  %0 = attn.sdpa %q, %q, %q outs(%q) {heads = 4 : i64, scale = 0.5 : f64, shown_mean} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>, %p: tensor<?x2x?x?xf32>) {
  // expected-error@+1 {{expected 'shown_heads' to be some of a static number of heads, from 0 on, each once, got array<i64: 1, 4>}}
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_heads = array<i64: 1, 4>} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>, %p: tensor<?x2x?x?xf32>) {
  // expected-error@+1 {{expected 'shown_heads' to be some of a static number of heads, from 0 on, each once, got array<i64: 1, 1>}}
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_heads = array<i64: 1, 1>} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<?x?x?x8xf32>, %p: tensor<?x1x?x?xf32>) {
  // expected-error@+1 {{expected 'shown_heads' to be some of a static number of heads, from 0 on, each once, got array<i64: 0>}}
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %p) {scale = 0.5 : f64, shown_heads = array<i64: 0>} : (tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x?x?x8xf32>, tensor<?x1x?x?xf32>) -> (tensor<?x?x?x8xf32>, tensor<?x1x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>, %p: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected 'shown' of shape [?, 2, ?, ?], got 'tensor<?x4x?x?xf32>'}}
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_heads = array<i64: 1, 3>} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x4x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>, %p: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected 'shown' of shape [?, ?, ?], got 'tensor<?x4x?x?xf32>'}}
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_mean} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x4x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<?x?x8xbf16>, %p: tensor<?x?x?xbf16>) {
  // expected-error@+1 {{expected 'shown' of f32 where it is a mean, got 'tensor<?x?x?xbf16>'}}
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_mean} : (tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x?x8xbf16>, tensor<?x?x?xbf16>) -> (tensor<?x?x8xbf16>, tensor<?x?x?xbf16>)
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>, %p: tensor<?x?x?xf32>) {
  // expected-error@+1 {{expected 'shown_mean' of at least one head}}
  %0:2 = attn.sdpa %q, %q, %q outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_heads = array<i64>, shown_mean} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>) {
  // expected-error@+1 {{expected a second destination where there is 'shown_stage'}}
  %0 = attn.sdpa %q, %q, %q outs(%q) {heads = 4 : i64, scale = 0.5 : f64, shown_stage = #attn<stage scaled>} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return
}

// -----

func.func @f(%q: tensor<?x?x8xf32>, %r: tensor<?xi32>, %p: tensor<?x4x?x?xf32>) {
  // expected-error@+1 {{expected no 'rows' where there is 'shown_stage'}}
  %0:2 = attn.sdpa %q, %q, %q rows(%r) outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_stage = #attn<stage masked>} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>, tensor<?x4x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x4x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<2xi32>, %p: tensor<1x4x?x?xf32>) {
  // expected-error@+1 {{expected no 'query_offsets' where there is 'shown_stage'}}
  %0:2 = attn.sdpa %q, %q, %q query_offsets(%n) outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_stage = #attn<stage capped>} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<2xi32>, tensor<1x?x8xf32>, tensor<1x4x?x?xf32>) -> (tensor<1x?x8xf32>, tensor<1x4x?x?xf32>)
  return
}

// -----

func.func @f(%q: tensor<1x?x8xf32>, %n: tensor<2xi32>, %p: tensor<1x4x?x?xf32>) {
  // expected-error@+1 {{expected no 'key_offsets' where there is 'shown_stage'}}
  %0:2 = attn.sdpa %q, %q, %q key_offsets(%n) outs(%q, %p) {heads = 4 : i64, scale = 0.5 : f64, shown_stage = #attn<stage capped>} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<2xi32>, tensor<1x?x8xf32>, tensor<1x4x?x?xf32>) -> (tensor<1x?x8xf32>, tensor<1x4x?x?xf32>)
  return
}
