// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-defer-masks))' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>

// A mask in two steps, which two layers read in the same case.
// CHECK-LABEL: func.func @layers(
// CHECK-NOT:     linalg.generic
// CHECK:         %[[MASK:.*]] = scf.if %arg2 -> (tensor<?x?xf32>) {
// CHECK-NEXT:      %[[E:.*]] = tensor.empty(%arg3, %arg3)
// CHECK-NEXT:      scf.yield %[[E]]
// CHECK-NEXT:    } else {
// CHECK:           linalg.generic
// CHECK:             arith.negf
// CHECK:           %[[M:.*]] = linalg.generic
// CHECK:             math.exp
// CHECK:           scf.yield %[[M]]
// CHECK:         scf.if %arg2
// CHECK:         } else {
// CHECK:           linalg.add ins(%arg0, %[[MASK]]
// CHECK:         scf.if %arg2
// CHECK:         } else {
// CHECK:           linalg.add ins(%{{.*}}, %[[MASK]]
func.func @layers(%x: tensor<?x?xf32>, %v: tensor<?x?xf32>, %keeps: i1, %n: index) -> tensor<?x?xf32> {
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %y = scf.if %keeps -> tensor<?x?xf32> {
    scf.yield %x : tensor<?x?xf32>
  } else {
    %z = linalg.add ins(%x, %m : tensor<?x?xf32>, tensor<?x?xf32>) outs(%x : tensor<?x?xf32>) -> tensor<?x?xf32>
    scf.yield %z : tensor<?x?xf32>
  }
  %w = scf.if %keeps -> tensor<?x?xf32> {
    scf.yield %y : tensor<?x?xf32>
  } else {
    %z = linalg.add ins(%y, %m : tensor<?x?xf32>, tensor<?x?xf32>) outs(%x : tensor<?x?xf32>) -> tensor<?x?xf32>
    scf.yield %z : tensor<?x?xf32>
  }
  return %w : tensor<?x?xf32>
}

// Of one layer, it moves to where it is read; here, if the condition holds.
// CHECK-LABEL: func.func @layer(
// CHECK:         scf.if %arg2 -> (tensor<?x?xf32>) {
// CHECK:           linalg.generic
// CHECK:           linalg.add
// CHECK:         } else {
func.func @layer(%x: tensor<?x?xf32>, %v: tensor<?x?xf32>, %fails: i1, %n: index) -> tensor<?x?xf32> {
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %y = scf.if %fails -> tensor<?x?xf32> {
    %z = linalg.add ins(%x, %m : tensor<?x?xf32>, tensor<?x?xf32>) outs(%x : tensor<?x?xf32>) -> tensor<?x?xf32>
    scf.yield %z : tensor<?x?xf32>
  } else {
    scf.yield %x : tensor<?x?xf32>
  }
  return %y : tensor<?x?xf32>
}

// Two conditions, of which both may need it.
// CHECK-LABEL: func.func @conditions(
// CHECK:         linalg.generic
// CHECK:         scf.if
// CHECK-NOT:     linalg.generic
func.func @conditions(%x: tensor<?x?xf32>, %v: tensor<?x?xf32>, %first: i1, %second: i1, %n: index) -> tensor<?x?xf32> {
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %y = scf.if %first -> tensor<?x?xf32> {
    scf.yield %x : tensor<?x?xf32>
  } else {
    scf.yield %m : tensor<?x?xf32>
  }
  %w = scf.if %second -> tensor<?x?xf32> {
    scf.yield %y : tensor<?x?xf32>
  } else {
    %z = linalg.add ins(%y, %m : tensor<?x?xf32>, tensor<?x?xf32>) outs(%x : tensor<?x?xf32>) -> tensor<?x?xf32>
    scf.yield %z : tensor<?x?xf32>
  }
  return %w : tensor<?x?xf32>
}

// Both cases of one condition.
// CHECK-LABEL: func.func @cases(
// CHECK:         linalg.generic
// CHECK:         scf.if
// CHECK-NOT:     linalg.generic
func.func @cases(%x: tensor<?x?xf32>, %v: tensor<?x?xf32>, %keeps: i1, %n: index) -> tensor<?x?xf32> {
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %y = scf.if %keeps -> tensor<?x?xf32> {
    %z = linalg.add ins(%x, %m : tensor<?x?xf32>, tensor<?x?xf32>) outs(%x : tensor<?x?xf32>) -> tensor<?x?xf32>
    scf.yield %z : tensor<?x?xf32>
  } else {
    scf.yield %m : tensor<?x?xf32>
  }
  return %y : tensor<?x?xf32>
}

// Each of two layers reads the first columns.
// CHECK-LABEL: func.func @views(
// CHECK-NOT:     linalg.generic
// CHECK:         %[[MASK:.*]] = scf.if %arg2
// CHECK:           linalg.generic
// CHECK:         scf.if %arg2
// CHECK:         } else {
// CHECK:           tensor.extract_slice %[[MASK]]
// CHECK:         scf.if %arg2
// CHECK:         } else {
// CHECK:           tensor.extract_slice %[[MASK]]
func.func @views(%x: tensor<?x?xf32>, %v: tensor<?x?xf32>, %keeps: i1, %n: index) -> tensor<?x?xf32> {
  %e = tensor.empty(%n, %n) : tensor<?x?xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %s = tensor.extract_slice %m[0, 0] [%n, 3] [1, 1] : tensor<?x?xf32> to tensor<?x3xf32>
  %c = tensor.cast %s : tensor<?x3xf32> to tensor<?x?xf32>
  %y = scf.if %keeps -> tensor<?x?xf32> {
    scf.yield %x : tensor<?x?xf32>
  } else {
    %z = linalg.add ins(%x, %c : tensor<?x?xf32>, tensor<?x?xf32>) outs(%x : tensor<?x?xf32>) -> tensor<?x?xf32>
    scf.yield %z : tensor<?x?xf32>
  }
  %w = scf.if %keeps -> tensor<?x?xf32> {
    scf.yield %y : tensor<?x?xf32>
  } else {
    %z = linalg.add ins(%y, %c : tensor<?x?xf32>, tensor<?x?xf32>) outs(%x : tensor<?x?xf32>) -> tensor<?x?xf32>
    scf.yield %z : tensor<?x?xf32>
  }
  return %w : tensor<?x?xf32>
}
