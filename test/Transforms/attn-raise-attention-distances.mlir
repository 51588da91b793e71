// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s

// Masks that bound two numbers by one condition, as that of a distance does.

#q = affine_map<(b, h, i, j, e) -> (b, h, i, e)>
#k = affine_map<(b, h, i, j, e) -> (b, h, j, e)>
#s = affine_map<(b, h, i, j, e) -> (b, h, i, j)>
#id = affine_map<(b, h, i, j) -> (b, h, i, j)>

// As encoders with local attention write it.
// CHECK-LABEL: func.func @magnitude(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64, window_after = 2 : i64, window_before = 2 : i64}
func.func @magnitude(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.subi %i, %j : index
    %n = arith.index_cast %d : index to i64
    %distance = math.absi %n : i64
    %c2 = arith.constant 2 : i64
    %kept = arith.cmpi sle, %distance, %c2 : i64
    %y = arith.select %kept, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// The magnitude as the larger of a number and its opposite, and moved.
// CHECK-LABEL: func.func @larger(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64, window_after = 1 : i64, window_before = 3 : i64}
func.func @larger(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %c1 = arith.constant 1 : index
    %c0 = arith.constant 0 : index
    %at = arith.addi %j, %c1 : index
    %d = arith.subi %at, %i : index
    %opposite = arith.subi %c0, %d : index
    %distance = arith.maxsi %d, %opposite : index
    %c3 = arith.constant 3 : index
    %far = arith.cmpi sge, %distance, %c3 : index
    %true = arith.constant true
    %kept = arith.xori %far, %true : i1
    %y = arith.select %kept, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// Two numbers of which the smaller is bounded from below.
// CHECK-LABEL: func.func @smaller(
// CHECK-NOT:     linalg.generic
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64, window_after = 3 : i64, window_before = 2 : i64}
func.func @smaller(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %cm1 = arith.constant -1 : index
    %d = arith.subi %i, %j : index
    %opposite = arith.subi %j, %i : index
    %less = arith.addi %opposite, %cm1 : index
    %least = arith.minsi %d, %less : index
    %cm3 = arith.constant -3 : index
    %kept = arith.cmpi sge, %least, %cm3 : index
    %y = arith.select %kept, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}

// One of two numbers or the other: keys that are far are no window.
// CHECK-LABEL: func.func @far(
// CHECK:         arith.maxsi
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @far(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x4x5x7xf32>
  %eo = tensor.empty() : tensor<2x4x5x8xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %out = linalg.fill ins(%zero : f32) outs(%eo : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x4x5x8xf32>, tensor<2x4x7x8xf32>) outs(%zeros : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %excluded = arith.constant 0xFF800000 : f32
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%s : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) {
  ^bb0(%x: f32, %u: f32):
    %i = linalg.index 2 : index
    %j = linalg.index 3 : index
    %d = arith.subi %i, %j : index
    %opposite = arith.subi %j, %i : index
    %distance = arith.maxsi %d, %opposite : index
    %c3 = arith.constant 3 : index
    %kept = arith.cmpi sge, %distance, %c3 : index
    %y = arith.select %kept, %x, %excluded : f32
    linalg.yield %y : f32
  } -> tensor<2x4x5x7xf32>
  %p = linalg.softmax dimension(3) ins(%m : tensor<2x4x5x7xf32>) outs(%e : tensor<2x4x5x7xf32>) -> tensor<2x4x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32>) outs(%out : tensor<2x4x5x8xf32>) -> tensor<2x4x5x8xf32>
  return %o : tensor<2x4x5x8xf32>
}
