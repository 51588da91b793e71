// RUN: attn-opt %s --split-input-file --verify-diagnostics --attn-incremental-decoding
// RUN: echo 'func.func @decode() { return }' | not attn-opt --attn-incremental-decoding=cache-type=i8 2>&1 | FileCheck %s
// CHECK: error: expected 'f32' or 'bf16' as element type of caches, got 'i8'

// expected-error@+1 {{expected a function 'decode' with a body}}
module {}

// -----

// expected-error@+1 {{expected a function 'decode' with a body}}
module {
  func.func private @decode(tensor<?x?xi32> {attn.role = "ids"})
}

// -----

// expected-error@+1 {{expected a function of one block, got 2}}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}) {
  cf.br ^end
^end:
  return
}

// -----

// expected-error@+1 {{expected one argument with 'attn.role' = "ids": the tokens that are decoded}}
func.func @decode(%ids: tensor<?x?xi32>) {
  return
}

// -----

// expected-error@+1 {{expected one argument with 'attn.role' = "ids"}}
func.func @decode(%a: tensor<?x?xi32> {attn.role = "ids"}, %b: tensor<?x?xi32> {attn.role = "ids"}) {
  return
}

// -----

// expected-error@+1 {{expected token ids of type 'tensor<?x?xi32>', got 'tensor<1x?xi32>'}}
func.func @decode(%ids: tensor<1x?xi32> {attn.role = "ids"}) {
  return
}

// -----

func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}) {
  return
}
// expected-error@+1 {{expected no symbol 'decode_step', which is to be derived}}
func.func @decode_step() {
  return
}

// -----

func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  // expected-error@+1 {{expected 'result' to depend on the token ids, position by position}}
  return %x : tensor<?x?x8xf32>
}

// -----

attn.weights @embedding {
  attn.weight @table from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}) -> tensor<?x?x8xf32> {
  // expected-error@+1 {{expected no layer; hint: run --attn-decompose-layers and --attn-fuse-attention first}}
  %x = attn.embedding %ids weights @embedding : (tensor<?x?xi32>) -> tensor<?x?x8xf32>
  return %x : tensor<?x?x8xf32>
}

// -----

func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %t: tensor<100x8xf32>, %e: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  // expected-error@+1 {{expected 'table' that depends on no argument}}
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %x : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %o: tensor<?xi32>, %e: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  // expected-error@+1 {{expected no 'offsets' in a decoder that starts at the first position}}
  %x = attn.lookup %ids, %t positions(%t) offsets(%o) outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<100x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %x : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %r: tensor<?x?x100xf32>, %e: tensor<?x?x8xf32>, %l: tensor<?x?x100xf32>) -> tensor<?x?x100xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected 'residual' to depend on the token ids, position by position}}
  %y = attn.linear %x, %t residual(%r) outs(%l) : (tensor<?x?x8xf32>, tensor<100x8xf32>, tensor<?x?x100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %y : tensor<?x?x100xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %m: tensor<?x?x8xf32>, %e: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected 'operand' to depend on the token ids, position by position}}
  %y = arith.addf %x, %m : tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected an operation that treats each position alone, or attention}}
  %y = linalg.add ins(%x, %x : tensor<?x?x8xf32>, tensor<?x?x8xf32>) outs(%e : tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// A slice of positions: the last one, say, of which a step knows nothing.
attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %n: index) -> tensor<?x?x8xf32> {
  %c0 = arith.constant 0 : index
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %b = tensor.dim %x, %c0 : tensor<?x?x8xf32>
  // expected-error@+1 {{expected a slice of the width alone}}
  %y = tensor.extract_slice %x[0, 0, 0] [%b, %n, 8] [1, 1, 1] : tensor<?x?x8xf32> to tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %s: tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected fused attention; hint: run --attn-fuse-attention first}}
  %y = attn.scores %x, %x outs(%s) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> tensor<?x2x?x?xf32>
  return %y : tensor<?x2x?x?xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected 'causal' attention to the tokens that are decoded}}
  %y = attn.sdpa %x, %x, %x outs(%e) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %n: tensor<?xi32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected no 'lengths' in attention to the tokens that are decoded}}
  %y = attn.sdpa %x, %x, %x lengths(%n) outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %s: tensor<?x2x?x?xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected no probabilities of attention to the tokens that are decoded}}
  %y:2 = attn.sdpa %x, %x, %x outs(%e, %s) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>)
  return %y#0 : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %n: tensor<?xi32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected attention over a whole sentence, without 'positions' and 'rows'}}
  %y = attn.sdpa %x, %x, %x rows(%n) outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %m: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected keys and values that both depend on the token ids, or both on other arguments}}
  %y = attn.sdpa %x, %x, %m outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %m: tensor<?x?x8xf32>, %n: tensor<?xi32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected 'lengths' to be the argument with 'attn.role' = "memory_lengths"}}
  %y = attn.sdpa %x, %m, %m lengths(%n) outs(%e) {heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?xi32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %m: tensor<?x2x?x?xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected attention without a mask of its own and with heads side by side}}
  %y = attn.sdpa %x, %x, %x mask(%m) outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %s: tensor<2xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected 'slopes' that depends on no argument}}
  %y = attn.sdpa %x, %x, %x slopes(%s) outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<2xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %s: tensor<2x5xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected 'biases' that depends on no argument}}
  %y = attn.sdpa %x, %x, %x biases(%s) outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<2x5xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %s: tensor<2xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected 'sinks' that depends on no argument}}
  %y = attn.sdpa %x, %x, %x sinks(%s) outs(%e) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<2xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %n: tensor<?xi32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %one = tensor.cast %x : tensor<?x?x8xf32> to tensor<1x?x8xf32>
  // expected-error@+1 {{expected attention without offsets}}
  %y = attn.sdpa %one, %one, %one query_offsets(%n) key_offsets(%n) outs(%one) {causal, heads = 2 : i64, scale = 0.5 : f64} : (tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>, tensor<?xi32>, tensor<?xi32>, tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  %z = tensor.cast %y : tensor<1x?x8xf32> to tensor<?x?x8xf32>
  return %z : tensor<?x?x8xf32>
}

// -----

attn.weights @w {
  attn.weight @t from ["t"] : tensor<100x8xf32>
}
func.func @decode(%ids: tensor<?x?xi32> {attn.role = "ids"}, %e: tensor<?x?x8xf32>, %m: tensor<?x?x8xf32>, %p: tensor<?x2x?x?xf32>) -> tensor<?x?x8xf32> {
  %t = attn.get_weight @w::@t : tensor<100x8xf32>
  %x = attn.lookup %ids, %t outs(%e) : (tensor<?x?xi32>, tensor<100x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  // expected-error@+1 {{expected attention without 'shown_stage'}}
  %y:2 = attn.sdpa %x, %m, %m outs(%e, %p) {heads = 2 : i64, scale = 0.5 : f64, shown_stage = #attn<stage scaled>} : (tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x2x?x?xf32>) -> (tensor<?x?x8xf32>, tensor<?x2x?x?xf32>)
  return %y#0 : tensor<?x?x8xf32>
}
