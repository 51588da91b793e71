// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-simplify-shapes,canonicalize,cse))' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>

// Heads are split: the size that -1 stands for is not asked for.
// CHECK-LABEL: func.func @split(
// CHECK-SAME:    %[[X:.*]]: tensor<?x?x64xf32>)
// CHECK-NOT:     cf.assert
// CHECK-NOT:     arith.divsi
// CHECK:         tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2, 3]]
// CHECK-SAME:      tensor<?x?x64xf32> into tensor<?x?x4x16xf32>
// CHECK-NEXT:    return
func.func @split(%x: tensor<?x?x64xf32>) -> tensor<?x?x4x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %four = arith.constant 4 : i64
  %sixteen = arith.constant 16 : i64
  %all = arith.constant 64 : i64
  %d0 = tensor.dim %x, %c0 : tensor<?x?x64xf32>
  %d1 = tensor.dim %x, %c1 : tensor<?x?x64xf32>
  %b = arith.index_cast %d0 : index to i64
  %t = arith.index_cast %d1 : index to i64
  %is_negative = arith.cmpi slt, %b, %zero : i64
  %count = arith.extui %is_negative : i1 to i64
  %is_one = arith.cmpi sle, %count, %one : i64
  cf.assert %is_one, "must have at most one inferred (negative) dimension"
  %bt = arith.muli %b, %t : i64
  %have = arith.muli %bt, %all : i64
  %want = arith.muli %t, %all : i64
  %inferred = arith.divsi %have, %want : i64
  %size = arith.select %is_negative, %inferred, %b : i64
  %shape = tensor.from_elements %size, %t, %four, %sixteen : tensor<4xi64>
  %y = tensor.reshape %x(%shape) : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x4x16xf32>
  return %y : tensor<?x?x4x16xf32>
}

// Batch and heads are merged, and the batch is what is left of their product.
// CHECK-LABEL: func.func @merge(
// CHECK-SAME:    %[[X:.*]]: tensor<?x4x?xf32>)
// CHECK-DAG:     %[[C0:.*]] = arith.constant 0 : index
// CHECK-DAG:     %[[Y:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]]
// CHECK-DAG:     %[[D:.*]] = tensor.dim %[[X]], %[[C0]]
// CHECK-NOT:     arith.maxui
// CHECK:         return %[[Y]], %[[D]]
func.func @merge(%x: tensor<?x4x?xf32>) -> (tensor<?x?xf32>, index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %b = tensor.dim %x, %c0 : tensor<?x4x?xf32>
  %t = tensor.dim %x, %c2 : tensor<?x4x?xf32>
  %n = arith.index_cast %b : index to i64
  %m = arith.index_cast %n : i64 to index
  %larger = arith.maxui %b, %m : index
  %h = arith.muli %larger, %c4 : index
  %shape = tensor.from_elements %h, %t : tensor<2xindex>
  %y = tensor.reshape %x(%shape) : (tensor<?x4x?xf32>, tensor<2xindex>) -> tensor<?x?xf32>
  %left = arith.divui %h, %c4 : index
  return %y, %left : tensor<?x?xf32>, index
}

// Sizes of other tensors: only that there are as many elements is known.
// CHECK-LABEL: func.func @regroup(
// CHECK-SAME:    %[[X:.*]]: tensor<?x6xf32>,
// CHECK:         %[[FLAT:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1]]
// CHECK:         tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1]]
func.func @regroup(%x: tensor<?x6xf32>, %n: i64, %m: i64) -> tensor<?x?xf32> {
  %shape = tensor.from_elements %n, %m : tensor<2xi64>
  %y = tensor.reshape %x(%shape) : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// A shape from elsewhere says nothing.
// CHECK-LABEL: func.func @unknown(
// CHECK:         tensor.reshape
func.func @unknown(%x: tensor<?x6xf32>, %shape: tensor<2xi64>) -> tensor<?x?xf32> {
  %y = tensor.reshape %x(%shape) : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// The sizes are those of the result.
// CHECK-LABEL: func.func @no_broadcast(
// CHECK-SAME:    %[[X:.*]]: tensor<?x1xf32>)
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[X]] : tensor<?x1xf32>)
// CHECK-NOT:     tensor.extract
// CHECK:         return
func.func @no_broadcast(%x: tensor<?x1xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x1xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x8xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %is_one = arith.cmpi eq, %n, %c1 : index
    %place = arith.select %is_one, %c0, %i : index
    %v = tensor.extract %x[%place, %c0] : tensor<?x1xf32>
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// It may be one row that is repeated.
// CHECK-LABEL: func.func @maybe_broadcast(
// CHECK:         tensor.extract
func.func @maybe_broadcast(%x: tensor<?x8xf32>, %n: index) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %d = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x8xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %is_one = arith.cmpi eq, %d, %c1 : index
    %place = arith.select %is_one, %c0, %i : index
    %v = tensor.extract %x[%place, %j] : tensor<?x8xf32>
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Compared with the size of another tensor: what is read is the first row.
// CHECK-LABEL: func.func @other_size(
// CHECK:         tensor.extract
func.func @other_size(%x: tensor<?x8xf32>, %z: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %d = tensor.dim %z, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [#id], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<?x8xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %is_one = arith.cmpi eq, %d, %c1 : index
    %place = arith.select %is_one, %c0, %i : index
    %v = tensor.extract %x[%place, %j] : tensor<?x8xf32>
    linalg.yield %v : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// What a caller gives may be negative, and so may a difference of sizes; it may
// be so large that it overflows, as a size may in 32 bits.
// CHECK-LABEL: func.func @not_sizes(
// CHECK:         arith.cmpi slt
// CHECK:         arith.cmpi slt
// CHECK:         arith.divsi
// CHECK:         arith.cmpi slt
func.func @not_sizes(%x: tensor<?xf32>, %n: index) -> (i1, i1, index, i1) {
  %c0 = arith.constant 0 : index
  %d = tensor.dim %x, %c0 : tensor<?xf32>
  %difference = arith.subi %d, %n : index
  %a = arith.cmpi slt, %n, %c0 : index
  %b = arith.cmpi slt, %difference, %c0 : index
  %c4 = arith.constant 4 : index
  %more = arith.muli %n, %c4 : index
  %less = arith.divsi %more, %c4 : index
  %zero = arith.constant 0 : i32
  %short = arith.index_cast %d : index to i32
  %c = arith.cmpi slt, %short, %zero : i32
  return %a, %b, %less, %c : i1, i1, index, i1
}
