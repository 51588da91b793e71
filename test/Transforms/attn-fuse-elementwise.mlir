// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-fuse-elementwise,canonicalize,cse))' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#turned = affine_map<(i, j) -> (j, i)>
#row = affine_map<(i, j) -> (i)>
#vector = affine_map<(i) -> (i)>

// Three operations are one, which reads what the first ones read.
// CHECK-LABEL: func.func @chain(
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%arg0, %arg1 : tensor<?x?xf32>, tensor<?x?xf32>)
// CHECK:           arith.addf
// CHECK-NEXT:      arith.negf
// CHECK-NEXT:      arith.mulf
// CHECK-NOT:     linalg.generic
func.func @chain(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %e: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %s = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<?x?xf32>, tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %p = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%n, %y : tensor<?x?xf32>, tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}

// A reduction reads each element once, in whatever order; an index is that of
// the element.
// CHECK-LABEL: func.func @reduction(
// CHECK:         linalg.generic
// CHECK-SAME:      iterator_types = ["parallel", "reduction"]
// CHECK:           linalg.index 1
// CHECK:           arith.cmpi
// CHECK:           arith.select
// CHECK:           arith.maximumf
// CHECK-NOT:     linalg.generic
func.func @reduction(%x: tensor<?x?xf32>, %e: tensor<?x?xf32>, %v: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %zero = arith.constant 0.0 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 0 : index
    %c = arith.cmpi slt, %i, %n : index
    %r = arith.select %c, %a, %zero : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %s = linalg.generic {indexing_maps = [#turned, #row], iterator_types = ["parallel", "reduction"]} ins(%m : tensor<?x?xf32>) outs(%v : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.maximumf %a, %o : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  return %s : tensor<?xf32>
}

// What a row has in common is computed once for it.
// CHECK-LABEL: func.func @broadcast(
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK:         linalg.generic
// CHECK:           arith.mulf
func.func @broadcast(%x: tensor<?x?xf32>, %e: tensor<?x?xf32>, %v: tensor<?xf32>) -> tensor<?x?xf32> {
  %w = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%v : tensor<?xf32>) outs(%v : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %w : tensor<?x?xf32>, tensor<?xf32>) outs(%e : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.mulf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  return %p : tensor<?x?xf32>
}

// What two read, or one of them returns, is computed once for both.
// CHECK-LABEL: func.func @twice(
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK:         linalg.generic
// CHECK:           arith.negf
func.func @twice(%v: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %w = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%v : tensor<?xf32>) outs(%v : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %n = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%w : tensor<?xf32>) outs(%v : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = arith.negf %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  return %w, %n : tensor<?xf32>, tensor<?xf32>
}

// A loop would compute it each time.
// CHECK-LABEL: func.func @loop(
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK:         scf.for
// CHECK:           linalg.generic
// CHECK:             arith.addf
func.func @loop(%v: tensor<?xf32>, %n: index) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %w = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%v : tensor<?xf32>) outs(%v : tensor<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %s = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %v) -> tensor<?xf32> {
    %t = linalg.generic {indexing_maps = [#vector, #vector], iterator_types = ["parallel"]} ins(%w : tensor<?xf32>) outs(%sum : tensor<?xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = arith.addf %a, %o : f32
      linalg.yield %r : f32
    } -> tensor<?xf32>
    scf.yield %t : tensor<?xf32>
  }
  return %s : tensor<?xf32>
}
