// RUN: attn-opt %s --split-input-file --attn-outline-logits --cse --verify-diagnostics | FileCheck %s
// RUN: attn-opt %s --split-input-file --attn-outline-logits=width=8 --cse --verify-diagnostics | FileCheck %s --check-prefix=NARROW

// CHECK-LABEL: func.func @decode_step(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x?x16xf32>) -> tensor<?x16xf32>
// CHECK-NOT:     attn.get_weight
// CHECK:         %[[ROWS:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<?x?x16xf32> into tensor<?x16xf32>
// CHECK-NOT:     attn.linear
// CHECK:         return %[[ROWS]]
// CHECK-LABEL: func.func @decode_logits(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x16xf32>)
// CHECK-SAME:    -> (tensor<2x?x64xf32>, tensor<3x?xf32>, tensor<3x?xf32>)
// CHECK-DAG:     %[[W:.*]] = attn.get_weight @output::@weight
// CHECK-DAG:     %[[B:.*]] = attn.get_weight @output::@bias
// CHECK-DAG:     %[[R:.*]] = tensor.dim %[[X]], %c0
// CHECK:         %[[V:.*]] = tensor.empty(%[[R]]) : tensor<2x?x64xf32>
// CHECK:         %[[M:.*]] = tensor.empty(%[[R]]) : tensor<3x?xf32>
// CHECK:         %[[L:.*]]:3 = attn.logits %[[X]], %[[W]] bias(%[[B]]) columns 100 outs(%[[V]], %[[M]], %{{.*}})
// CHECK:         return %[[L]]#0, %[[L]]#1, %[[L]]#2
// CHECK-LABEL: func.func @decode_greatest(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x16xf32>) -> tensor<?xi32>
// CHECK-DAG:     %[[W:.*]] = attn.get_weight @output::@weight
// CHECK-DAG:     %[[B:.*]] = attn.get_weight @output::@bias
// CHECK-DAG:     %[[R:.*]] = tensor.dim %[[X]], %c0
// CHECK:         %[[E:.*]] = tensor.empty(%[[R]]) : tensor<?xi32>
// CHECK:         %[[T:.*]] = attn.greatest %[[X]], %[[W]] bias(%[[B]]) columns 100 outs(%[[E]])
// CHECK:         return %[[T]]
// NARROW:      func.func @decode_logits(
// NARROW-SAME:   -> (tensor<13x?x8xf32>, tensor<15x?xf32>, tensor<15x?xf32>)
attn.weights @output {
  attn.weight @weight from ["w"] : tensor<100x16xf32>
  attn.weight @bias from ["b"] : tensor<100xf32>
}
func.func @decode_step(%x: tensor<?x?x16xf32>) -> tensor<?x?x100xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %w = attn.get_weight @output::@weight : tensor<100x16xf32>
  %b = attn.get_weight @output::@bias : tensor<100xf32>
  %r = tensor.dim %x, %c0 : tensor<?x?x16xf32>
  %s = tensor.dim %x, %c1 : tensor<?x?x16xf32>
  %e = tensor.empty(%r, %s) : tensor<?x?x100xf32>
  %y = attn.linear %x, %w bias(%b) outs(%e) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %y : tensor<?x?x100xf32>
}

// -----

// Further results stay; so do scales.
// CHECK:      func.func @decode_step(
// CHECK-SAME: %[[P:[^:]*]]: tensor<?x4x1x?xf32>)
// CHECK-SAME: -> (tensor<?x16xf32>, tensor<?x4x1x?xf32>)
// CHECK:      return %{{.*}}, %[[P]]
// CHECK:      attn.logits %{{.*}}, %{{.*}} scales(%{{.*}}) columns 100
// CHECK:      attn.greatest %{{.*}}, %{{.*}} scales(%{{.*}}) columns 100
attn.weights @output {
  attn.weight @weight from ["w"] : tensor<100x16xi8>
  attn.weight @scales scales from ["w"] : tensor<100xf32>
}
func.func @decode_step(%x: tensor<?x?x16xf32>, %e: tensor<?x?x100xf32>, %p: tensor<?x4x1x?xf32>) -> (tensor<?x?x100xf32>, tensor<?x4x1x?xf32>) {
  %w = attn.get_weight @output::@weight : tensor<100x16xi8>
  %s = attn.get_weight @output::@scales : tensor<100xf32>
  %y = attn.linear %x, %w scales(%s) outs(%e) : (tensor<?x?x16xf32>, tensor<100x16xi8>, tensor<100xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %y, %p : tensor<?x?x100xf32>, tensor<?x4x1x?xf32>
}

// -----

attn.weights @output {
  attn.weight @weight from ["w"] : tensor<100x16xf32>
}
// expected-error@+1 {{expected 'decode_step' to return first an attn.linear of rank 3 and f32, without residual, activation or transposed weight, of attn.get_weight}}
func.func @decode_step(%x: tensor<?x16xf32>, %e: tensor<?x100xf32>) -> tensor<?x100xf32> {
  %w = attn.get_weight @output::@weight : tensor<100x16xf32>
  %y = attn.linear %x, %w outs(%e) : (tensor<?x16xf32>, tensor<100x16xf32>, tensor<?x100xf32>) -> tensor<?x100xf32>
  return %y : tensor<?x100xf32>
}

// -----

// expected-error@+1 {{expected 'decode_step' to return first an attn.linear of rank 3 and f32, without residual, activation or transposed weight, of attn.get_weight}}
func.func @decode_step(%x: tensor<?x?x16xf32>, %w: tensor<100x16xf32>, %e: tensor<?x?x100xf32>) -> tensor<?x?x100xf32> {
  %y = attn.linear %x, %w outs(%e) : (tensor<?x?x16xf32>, tensor<100x16xf32>, tensor<?x?x100xf32>) -> tensor<?x?x100xf32>
  return %y : tensor<?x?x100xf32>
}

// -----

// expected-error@+1 {{expected a function 'decode_step' with a body}}
module {}

// -----

// expected-error@+1 {{expected a function of one block, got 2}}
func.func @decode_step() {
  cf.br ^end
^end:
  return
}

// -----

func.func @decode_step(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}
func.func @caller(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  // expected-error@+1 {{expected no use of 'decode_step', whose results are about to change}}
  %y = call @decode_step(%x) : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

func.func @decode_step(%x: tensor<?x?x8xf32>) -> tensor<?x?x8xf32> {
  return %x : tensor<?x?x8xf32>
}
// expected-error@+1 {{expected no 'decode_logits' yet, which is made here}}
func.func private @decode_logits()
