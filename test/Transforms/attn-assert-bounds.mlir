// RUN: attn-opt --split-input-file --attn-assert-bounds --canonicalize --cse %s | FileCheck %s

// What a front end saw in an example.
// CHECK-LABEL: @cast
// CHECK: %[[N:.*]] = tensor.dim %arg0
// CHECK: %[[HOLDS:.*]] = arith.cmpi eq, %[[N]], %c8
// CHECK: cf.assert %[[HOLDS]], "tensor.cast: expected size 8 in dimension 0 of operand 0"
// CHECK-NEXT: tensor.cast
func.func @cast(%x: tensor<?x4xf32>) -> tensor<8x4xf32> {
  %y = tensor.cast %x : tensor<?x4xf32> to tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// A size that is made of others; that it is 24 is said once.
// CHECK-LABEL: @merged
// CHECK: %[[N:.*]] = tensor.dim %arg0
// CHECK: %[[ROWS:.*]] = arith.muli %[[N]], %c3
// CHECK: arith.cmpi eq, %[[ROWS]], %c24
// CHECK: cf.assert
// CHECK-NOT: cf.assert
// CHECK: return
func.func @merged(%x: tensor<?x3x4xf32>) -> (tensor<24x4xf32>, tensor<24x4xf32>) {
  %m = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x3x4xf32> into tensor<?x4xf32>
  %y = tensor.cast %m : tensor<?x4xf32> to tensor<24x4xf32>
  %e = math.exp %m : tensor<?x4xf32>
  %z = tensor.cast %e : tensor<?x4xf32> to tensor<24x4xf32>
  return %y, %z : tensor<24x4xf32>, tensor<24x4xf32>
}

// -----

// Of which dimension a size is.
// CHECK-LABEL: @dimension
// CHECK-SAME: %[[X:.*]]: tensor<?x?xf32>, %[[DIM:.*]]: index
// CHECK: %[[HOLDS:.*]] = arith.cmpi ult, %[[DIM]], %c2 : index
// CHECK: cf.assert %[[HOLDS]], "tensor.dim: expected one of 2 dimensions"
// CHECK: cf.assert %false, "tensor.dim: expected one of 2 dimensions"
// CHECK: "tensor.empty: expected sizes that memory may have"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @dimension(%x: tensor<?x?xf32>, %dim: index) -> (index, tensor<?xf32>) {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %any = tensor.dim %x, %dim : tensor<?x?xf32>
  %second = tensor.dim %x, %c1 : tensor<?x?xf32>
  %third = tensor.dim %x, %c2 : tensor<?x?xf32>
  %sum = arith.addi %any, %second : index
  %e = tensor.empty(%third) : tensor<?xf32>
  %y = math.exp %e : tensor<?xf32>
  return %sum, %y : index, tensor<?xf32>
}

// -----

// What follows from where sizes come from.
// CHECK-LABEL: @known
// CHECK-NOT: cf.assert
// CHECK: return
func.func @known(%x: tensor<?x4xf32>, %y: tensor<4x8xf32>, %table: tensor<9xf32>, %ids: tensor<?xi64>) -> (tensor<?x8xf32>, tensor<?x2x2xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %n = tensor.dim %x, %c0 : tensor<?x4xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %p = linalg.matmul ins(%x, %y : tensor<?x4xf32>, tensor<4x8xf32>) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = tensor.extract_slice %x[0, 0] [%n, 4] [1, 1] : tensor<?x4xf32> to tensor<?x4xf32>
  %h = tensor.expand_shape %s [[0], [1, 2]] output_shape [%n, 2, 2] : tensor<?x4xf32> into tensor<?x2x2xf32>
  %m = tensor.dim %ids, %c0 : tensor<?xi64>
  %o = tensor.empty(%m) : tensor<?xf32>
  %g = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]} ins(%ids : tensor<?xi64>) outs(%o : tensor<?xf32>) {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %most = arith.minsi %i, %c8 : index
    %place = arith.maxsi %most, %c0 : index
    %f = tensor.extract %table[%place] : tensor<9xf32>
    linalg.yield %f : f32
  } -> tensor<?xf32>
  return %p, %h, %g : tensor<?x8xf32>, tensor<?x2x2xf32>, tensor<?xf32>
}

// -----

// What is limited to the indices that there are is inside if there are any.
// CHECK-LABEL: @limited
// CHECK: %[[ROWS:.*]] = tensor.dim %arg0
// CHECK: %[[ANY:.*]] = arith.cmpi uge, %[[ROWS]], %c1 : index
// CHECK: %[[HOLDS:.*]] = arith.ori %[[ANY]], %{{.*}} : i1
// CHECK: cf.assert %[[HOLDS]], "tensor.extract: expected an index inside of dimension 0"
// CHECK: linalg.generic
// CHECK-NOT: cf.assert
// CHECK: return
func.func @limited(%table: tensor<?xf32>, %ids: tensor<?xi64>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = tensor.dim %table, %c0 : tensor<?xf32>
  %last = arith.subi %rows, %c1 : index
  %n = tensor.dim %ids, %c0 : tensor<?xi64>
  %o = tensor.empty(%n) : tensor<?xf32>
  %g = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]} ins(%ids : tensor<?xi64>) outs(%o : tensor<?xf32>) {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %most = arith.minsi %i, %last : index
    %place = arith.maxsi %most, %c0 : index
    %f = tensor.extract %table[%place] : tensor<?xf32>
    linalg.yield %f : f32
  } -> tensor<?xf32>
  return %g : tensor<?xf32>
}

// -----

// The same, limited from below first; -1 is no index.
// CHECK-LABEL: @limited_from_below
// CHECK: linalg.generic
// CHECK-COUNT-1: cf.assert %{{.*}}, "tensor.extract: expected an index inside of dimension 0"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @limited_from_below(%table: tensor<9xf32>, %ids: tensor<?xindex>, %o: tensor<?xf32>) -> tensor<?xf32> {
  %c-1 = arith.constant -1 : index
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %g = linalg.generic {indexing_maps = [affine_map<(d) -> (d)>, affine_map<(d) -> (d)>], iterator_types = ["parallel"]} ins(%ids : tensor<?xindex>) outs(%o : tensor<?xf32>) {
  ^bb0(%i: index, %out: f32):
    %least = arith.maxsi %i, %c0 : index
    %place = arith.minsi %least, %c8 : index
    %f = tensor.extract %table[%place] : tensor<9xf32>
    %outside = arith.minsi %least, %c-1 : index
    %h = tensor.extract %table[%outside] : tensor<9xf32>
    %sum = arith.addf %f, %h : f32
    linalg.yield %sum : f32
  } -> tensor<?xf32>
  return %g : tensor<?xf32>
}

// -----

// CHECK-LABEL: @structured
// CHECK: "linalg.matmul: expected the size of dimension 1 of operand 0 in dimension 0 of operand 1"
// CHECK: "linalg.softmax: expected the size of dimension 0 of operand 0 in dimension 0 of operand 1"
// CHECK: "arith.addf: expected the size of dimension 0 of operand 0 in dimension 0 of operand 1"
func.func @structured(%x: tensor<?x?xf32>, %y: tensor<?x4xf32>, %o: tensor<?x4xf32>, %s: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %p = linalg.matmul ins(%x, %y : tensor<?x?xf32>, tensor<?x4xf32>) outs(%o : tensor<?x4xf32>) -> tensor<?x4xf32>
  %q = linalg.softmax dimension(1) ins(%p : tensor<?x4xf32>) outs(%s : tensor<?x4xf32>) -> tensor<?x4xf32>
  %r = arith.addf %p, %b : tensor<?x4xf32>
  %t = arith.addf %r, %q : tensor<?x4xf32>
  return %t : tensor<?x4xf32>
}

// -----

// Other indices than those of loops.
// CHECK-LABEL: @window
// CHECK: "linalg.conv_1d: expected indices inside of dimension 0 of operand 0"
func.func @window(%x: tensor<?xf32>, %y: tensor<3xf32>, %o: tensor<?xf32>) -> tensor<?xf32> {
  %p = linalg.conv_1d ins(%x, %y : tensor<?xf32>, tensor<3xf32>) outs(%o : tensor<?xf32>) -> tensor<?xf32>
  return %p : tensor<?xf32>
}

// -----

// CHECK-LABEL: @shapes
// CHECK: "tensor.expand_shape: expected as many elements in dimension 0 of operand 0 as in what it is split into"
// CHECK: "tensor.reshape: expected no negative size of dimension 0"
// CHECK: "tensor.reshape: expected no negative size of dimension 1"
// CHECK: %[[LOW:.*]], %[[HIGH:.*]] = arith.mului_extended
// CHECK: %[[HAS_NO_MORE:.*]] = arith.cmpi eq, %[[HIGH]], %c0
// CHECK: %[[HAS_NO_SIGN:.*]] = arith.cmpi sge, %[[LOW]], %c0
// CHECK: %[[FITS:.*]] = arith.andi %[[HAS_NO_MORE]], %[[HAS_NO_SIGN]]
// CHECK: cf.assert %[[FITS]], "tensor.reshape: expected as many elements in operand 0 as in the result"
// CHECK: "tensor.reshape: expected as many elements in operand 0 as in the result"
// CHECK: "tensor.pad: expected no negative padding of dimension 0"
// CHECK: "tensor.pad: expected no negative size of dimension 0"
// CHECK: "tensor.pad: expected size 9 of dimension 0 with its padding"
// CHECK: "tensor.concat: expected size 5 in dimension 1 of operand 1"
func.func @shapes(%x: tensor<?xf32>, %list: tensor<2xi64>, %n: index, %a: tensor<?x5xf32>, %b: tensor<?x?xf32>) -> (tensor<?x2xf32>, tensor<?x?xf32>, tensor<9xf32>, tensor<?x5xf32>) {
  %zero = arith.constant 0.0 : f32
  %n2 = arith.maxsi %n, %n : index
  %d = arith.constant 0 : index
  %m = tensor.dim %a, %d : tensor<?x5xf32>
  %e = tensor.expand_shape %x [[0, 1]] output_shape [%m, 2] : tensor<?xf32> into tensor<?x2xf32>
  %r = tensor.reshape %x(%list) : (tensor<?xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %p = tensor.pad %x low[%n] high[1] {
  ^bb0(%i: index):
    tensor.yield %zero : f32
  } : tensor<?xf32> to tensor<9xf32>
  %c = tensor.concat dim(0) %a, %b : (tensor<?x5xf32>, tensor<?x?xf32>) -> tensor<?x5xf32>
  return %e, %r, %p, %c : tensor<?x2xf32>, tensor<?x?xf32>, tensor<9xf32>, tensor<?x5xf32>
}

// -----

// Memory for sizes that are computed; those of tensors that there are fit.
// CHECK-LABEL: @empty
// CHECK: "tensor.empty: expected no negative size of dimension 0"
// CHECK: "tensor.empty: expected sizes that memory may have"
// CHECK: "tensor.empty: expected sizes that memory may have"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @empty(%n: index, %x: tensor<?x?xf32>) -> (tensor<?x?xf32>, tensor<?x?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c0 : tensor<?x?xf32>
  %k = tensor.dim %x, %c1 : tensor<?x?xf32>
  %e = tensor.empty(%n, %m) : tensor<?x?xf32>
  %f = tensor.empty(%m, %k) : tensor<?x?x8xf32>
  return %e, %f : tensor<?x?xf32>, tensor<?x?x8xf32>
}

// -----

// Padding by numbers that are known takes for granted that there is memory.
// CHECK-LABEL: @filled
// CHECK: "tensor.generate: expected no negative size of dimension 0"
// CHECK: "tensor.generate: expected sizes that memory may have"
// CHECK: "tensor.splat: expected no negative size of dimension 0"
// CHECK: "tensor.splat: expected sizes that memory may have"
// CHECK: "tensor.pad: expected no negative padding of dimension 0"
// CHECK: "tensor.pad: expected no negative size of dimension 0"
// CHECK: "tensor.pad: expected no negative size of dimension 0"
// CHECK: "tensor.pad: expected sizes that memory may have"
// CHECK: "tensor.pad: expected sizes that memory may have"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @filled(%n: index, %v: f32, %x: tensor<?x?xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xf32>, tensor<?x?xf32>) {
  %g = tensor.generate %n {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f32
  } : tensor<?x4xf32>
  %s = tensor.splat %v[%n] : tensor<?x4xf32>
  %p = tensor.pad %x low[%n, 0] high[%n, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f32
  } : tensor<?x?xf32> to tensor<?x?xf32>
  %q = tensor.pad %x low[1, 0] high[1, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %v : f32
  } : tensor<?x?xf32> to tensor<?x?xf32>
  return %g, %s, %p, %q : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xf32>, tensor<?x?xf32>
}

// -----

// A slice without elements may begin anywhere.
// CHECK-LABEL: @slices
// CHECK: %[[LEFT:.*]] = arith.subi %[[ALL:.*]], %[[FROM:.*]] : index
// CHECK: %[[BEGINS:.*]] = arith.cmpi ule, %[[FROM]], %[[ALL]]
// CHECK: %[[ENDS:.*]] = arith.cmpi ule, %[[COUNT:.*]], %[[LEFT]]
// CHECK: %[[INSIDE:.*]] = arith.andi %[[BEGINS]], %[[ENDS]]
// CHECK: %[[EMPTY:.*]] = arith.cmpi eq, %[[COUNT]], %c0
// CHECK: %[[HOLDS:.*]] = arith.ori %[[INSIDE]], %[[EMPTY]]
// CHECK: cf.assert %[[HOLDS]], "tensor.extract_slice: expected a slice inside of dimension 0"
// CHECK: "tensor.insert_slice: expected the size of the slice in dimension 0 of operand 0"
// CHECK: "tensor.insert_slice: expected a slice inside of dimension 0"
func.func @slices(%x: tensor<?xf32>, %y: tensor<?xf32>, %from: index, %count: index) -> (tensor<?xf32>, tensor<?xf32>) {
  %s = tensor.extract_slice %x[%from] [%count] [1] : tensor<?xf32> to tensor<?xf32>
  %i = tensor.insert_slice %y into %x[0] [%count] [2] : tensor<?xf32> into tensor<?xf32>
  return %s, %i : tensor<?xf32>, tensor<?xf32>
}

// -----

// CHECK-LABEL: @elements
// CHECK: "tensor.extract: expected an index inside of dimension 0"
// CHECK: "tensor.insert: expected an index inside of dimension 0"
func.func @elements(%x: tensor<?xf32>, %y: tensor<?xf32>, %i: index) -> tensor<?xf32> {
  %f = tensor.extract %x[%i] : tensor<?xf32>
  %z = tensor.insert %f into %y[%i] : tensor<?xf32>
  return %z : tensor<?xf32>
}

// -----

// Indices of loops are looked at once, before; those that are data, as they come.
// CHECK-LABEL: @bodies
// CHECK: cf.assert %{{.*}}, "tensor.extract: expected an index inside of dimension 1"
// CHECK: linalg.generic
// CHECK: arith.cmpi ult
// CHECK-NEXT: cf.assert %{{.*}}, "tensor.extract: expected an index inside of dimension 0"
// CHECK-NOT: cf.assert
// CHECK: return
func.func @bodies(%table: tensor<?x?xf32>, %ids: tensor<?xi64>, %o: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %g = linalg.generic {indexing_maps = [affine_map<(d, e) -> (d)>, affine_map<(d, e) -> (d, e)>], iterator_types = ["parallel", "parallel"]} ins(%ids : tensor<?xi64>) outs(%o : tensor<?x4xf32>) {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %j = linalg.index 1 : index
    %f = tensor.extract %table[%i, %j] : tensor<?x?xf32>
    linalg.yield %f : f32
  } -> tensor<?x4xf32>
  return %g : tensor<?x4xf32>
}
