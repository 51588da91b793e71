// RUN: split-file %s %t
// RUN: attn-opt %t/model.mlir --attn-return-attention | FileCheck %s --check-prefix=CROSS
// RUN: attn-opt %t/model.mlir --attn-return-attention="function=encode kind=self" | FileCheck %s --check-prefix=SELF
// RUN: attn-opt %t/model.mlir --attn-return-attention=layers=1 | FileCheck %s --check-prefix=LAYER
// RUN: attn-opt %t/layer.mlir --verify-diagnostics --attn-return-attention=layers=1
// RUN: attn-opt %t/kind.mlir --verify-diagnostics --attn-return-attention=kind=both
// RUN: attn-opt %t/name.mlir --verify-diagnostics --attn-return-attention=function=translate
// RUN: attn-opt %t/errors.mlir --split-input-file --verify-diagnostics --attn-return-attention

//--- model.mlir

attn.weights @attention {
  attn.weight @q.weight from ["q"] : tensor<16x16xf32>
  attn.weight @k.weight from ["k"] : tensor<16x16xf32>
  attn.weight @v.weight from ["v"] : tensor<16x16xf32>
  attn.weight @out.weight from ["o"] : tensor<16x16xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}

// A layer that gives its softmax already is left as it is.
// CROSS-LABEL: func.func @decode(
// CROSS-SAME:    %[[X:.*]]: tensor<?x?x16xf32> {attn.role = "x"}, %[[M:.*]]: tensor<2x?x16xf32>, %[[N:.*]]: tensor<2xi32>)
// CROSS-SAME:    -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>)
func.func @decode(%x: tensor<?x?x16xf32> {attn.role = "x"}, %m: tensor<2x?x16xf32>, %n: tensor<2xi32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>) {
  // CROSS: %[[X0:.*]] = attn.self_attention %[[X]] weights @attention heads 4 causal : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CROSS: %[[X1:.*]], %[[P1:.*]] = attn.cross_attention %[[X0]], %[[M]] lengths(%[[N]]) weights @attention heads 4 norm pre {epsilon = 5.000000e-01 : f64, note = "kept"} : (tensor<?x?x16xf32>, tensor<2x?x16xf32>, tensor<2xi32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  // CROSS: %[[X2:.*]], %[[P2:.*]] = attn.cross_attention %[[X1]], %[[M]] weights @attention heads 4
  // CROSS: return %[[X2]], %[[P2]], %[[P1]], %[[P2]]
  // LAYER: %[[X1:.*]] = attn.cross_attention
  // LAYER: %[[X2:.*]], %[[P2:.*]] = attn.cross_attention %[[X1]],
  // LAYER: return %[[X2]], %[[P2]], %[[P2]]
  %0 = attn.self_attention %x weights @attention heads 4 causal : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %1 = attn.cross_attention %0, %m lengths(%n) weights @attention heads 4 norm pre {epsilon = 0.5, note = "kept"} : (tensor<?x?x16xf32>, tensor<2x?x16xf32>, tensor<2xi32>) -> tensor<?x?x16xf32>
  %2:2 = attn.cross_attention %1, %m weights @attention heads 4 : (tensor<?x?x16xf32>, tensor<2x?x16xf32>) -> (tensor<?x?x16xf32>, tensor<?x4x?x?xf32>)
  return %2#0, %2#1 : tensor<?x?x16xf32>, tensor<?x4x?x?xf32>
}

// SELF-LABEL: func.func @encode(
// SELF-SAME:    -> (tensor<3x7x16xf32>, tensor<3x2x7x7xf32>)
func.func @encode(%x: tensor<3x7x16xf32>) -> tensor<3x7x16xf32> {
  // SELF: %[[R:.*]], %[[P:.*]] = attn.self_attention %{{.*}} weights @attention heads 2 : (tensor<3x7x16xf32>) -> (tensor<3x7x16xf32>, tensor<3x2x7x7xf32>)
  // SELF: return %[[R]], %[[P]]
  %0 = attn.self_attention %x weights @attention heads 2 : (tensor<3x7x16xf32>) -> tensor<3x7x16xf32>
  return %0 : tensor<3x7x16xf32>
}

//--- layer.mlir

// expected-error@+1 {{expected the number of one of 0 cross-attention layers, from 0 on, got 1}}
func.func @decode(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  return %x : tensor<?x?x16xf32>
}

//--- kind.mlir

// expected-error@+1 {{expected the kind 'cross' or 'self', got 'both'}}
module {}

//--- name.mlir

// expected-error@+1 {{expected a function 'translate' with a body}}
module {}

//--- errors.mlir

func.func @decode(%x: tensor<?x?x16xf32>) -> tensor<?x?x16xf32> {
  return %x : tensor<?x?x16xf32>
}
func.func @caller(%x: tensor<?x?x16xf32>) {
  // expected-error@+1 {{expected no use of 'decode', whose results are about to change}}
  call @decode(%x) : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  return
}

// -----

// expected-error@+1 {{expected a function of one block, got 2}}
func.func @decode() {
  cf.br ^end
^end:
  return
}

// -----

// expected-error@+1 {{expected a function 'decode' with a body}}
module {
  func.func private @decode()
}

// -----

attn.weights @attention {
  attn.weight @q.weight from ["q"] : tensor<16x16xf32>
  attn.weight @k.weight from ["k"] : tensor<16x16xf32>
  attn.weight @v.weight from ["v"] : tensor<16x16xf32>
  attn.weight @out.weight from ["o"] : tensor<16x16xf32>
  attn.weight @norm.weight from ["n"] : tensor<16xf32>
  attn.weight @norm.bias from ["nb"] : tensor<16xf32>
}
func.func @decode(%x: tensor<?x?x16xf32>, %m: tensor<?x?x16xf32>, %c: i1) -> tensor<?x?x16xf32> {
  %0 = scf.if %c -> tensor<?x?x16xf32> {
    // expected-error@+1 {{expected in the body of the function, got it nested in 'scf.if'}}
    %1 = attn.cross_attention %x, %m weights @attention heads 4 : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
    scf.yield %1 : tensor<?x?x16xf32>
  } else {
    scf.yield %x : tensor<?x?x16xf32>
  }
  return %0 : tensor<?x?x16xf32>
}
