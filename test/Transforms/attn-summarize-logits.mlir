// RUN: attn-opt %s --split-input-file --attn-summarize-logits --cse --verify-diagnostics | FileCheck %s
// RUN: attn-opt %s --split-input-file --attn-summarize-logits=width=16 --cse --verify-diagnostics | FileCheck %s --check-prefix=NARROW

// CHECK-LABEL: func.func @decode_step(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x?x16xf32>, %[[W:[^:]*]]: tensor<100x16xf32>, %[[B:[^:]*]]: tensor<100xf32>)
// CHECK-SAME:    -> (tensor<2x?x64xf32>, tensor<2x?xf32>, tensor<2x?xf32>)
// CHECK:         %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<?x?x16xf32> into tensor<?x16xf32>
// CHECK:         %[[R:.*]] = tensor.dim %[[ROWS]], %c0
// CHECK:         %[[V:.*]] = tensor.empty(%[[R]]) : tensor<2x?x64xf32>
// CHECK:         %[[M:.*]] = tensor.empty(%[[R]]) : tensor<2x?xf32>
// CHECK:         %[[L:.*]]:3 = attn.logits %[[ROWS]], %[[W]] bias(%[[B]]) columns 100 outs(%[[V]], %[[M]], %{{.*}})
// CHECK-NOT:     attn.linear
// CHECK:         return %[[L]]#0, %[[L]]#1, %[[L]]#2
// NARROW:        -> (tensor<7x?x16xf32>, tensor<7x?xf32>, tensor<7x?xf32>)
func.func @decode_step(%x: tensor<?x?x16xf32>, %w: tensor<100x16xf32>, %b: tensor<100xf32>) -> tensor<?x?x100xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = tensor.dim %x, %c0 : tensor<?x?x16xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x16xf32>
  %e = tensor.empty(%r, %s) : tensor<?x?x100xf32>
  %y = attn.linear %x, %w bias(%b) outs(%e) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %y : tensor<?x?x100xf32>
}

// -----

// Further results stay.
// CHECK:      func.func @decode_step(
// CHECK-SAME: %[[P:[^:]*]]: tensor<?x4x1x?xf32>)
// CHECK-SAME: -> (tensor<2x?x64xf32>, tensor<2x?xf32>, tensor<2x?xf32>, tensor<?x4x1x?xf32>)
// CHECK:      return %{{.*}}#0, %{{.*}}#1, %{{.*}}#2, %[[P]]
func.func @decode_step(%x: tensor<?x?x16xf32>, %w: tensor<100x16xf32>, %e: tensor<?x?x100xf32>, %p: tensor<?x4x1x?xf32>) -> (tensor<?x?x100xf32>, tensor<?x4x1x?xf32>) {
  %y = attn.linear %x, %w outs(%e) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %y, %p : tensor<?x?x100xf32>, tensor<?x4x1x?xf32>
}

// -----

// expected-error@+1 {{expected 'decode_step' to return first an attn.linear of rank 3 and f32, without residual, activation or transposed weight}}
func.func @decode_step(%x: tensor<?x16xf32>, %w: tensor<100x16xf32>, %e: tensor<?x100xf32>) -> tensor<?x100xf32> {
  %y = attn.linear %x, %w outs(%e) : (tensor<?x16xf32>, tensor<100x16xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return %y : tensor<?x100xf32>
}

// -----

// expected-error@+1 {{expected a function 'decode_step' with a body of one block}}
module {}

// -----

// expected-error@+1 {{expected no use of 'decode_step', whose results are about to change}}
func.func @decode_step(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}
func.func @caller(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  %y = call @decode_step(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}
