// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention))' | FileCheck %s --implicit-check-not=attn.sdpa

// What looks like attention, but is something else, stays as it is.

#id = affine_map<(b, i, j) -> (b, i, j)>
#row = affine_map<(b, i, j) -> (b, i)>
#column = affine_map<(b, i, j) -> (b, j)>
#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>

// Softmax over the queries.
// CHECK-LABEL: func.func @over_queries(
// CHECK-COUNT-2: linalg.contract
func.func @over_queries(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(1) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Softmax over the queries, in steps.
// CHECK-LABEL: func.func @over_queries_in_steps(
// CHECK-COUNT-2: linalg.contract
func.func @over_queries_in_steps(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #column], iterator_types = ["parallel", "reduction", "parallel"]} ins(%s : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %x = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %d = arith.subf %a, %b : f32
    %w = math.exp %d : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %sum = linalg.generic {indexing_maps = [#id, #column], iterator_types = ["parallel", "reduction", "parallel"]} ins(%x : tensor<2x5x5xf32>) outs(%zero : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.addf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %sum : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %w = arith.divf %a, %b : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The sums of weights are a result too.
// CHECK-LABEL: func.func @sums_used(
// CHECK-COUNT-2: linalg.contract
func.func @sums_used(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> (tensor<2x5x8xf32>, tensor<2x5xf32>) {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %x = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %d = arith.subf %a, %b : f32
    %w = math.exp %d : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x5x5xf32>) outs(%zero : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.addf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %sum : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %w = arith.divf %a, %b : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o, %sum : tensor<2x5x8xf32>, tensor<2x5xf32>
}

// The sum is of something else.
// CHECK-LABEL: func.func @another_sum(
// CHECK-COUNT-2: linalg.contract
func.func @another_sum(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %x = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %d = arith.subf %a, %b : f32
    %w = math.exp %d : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x5xf32>) outs(%zero : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.addf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %sum : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %w = arith.divf %a, %b : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The sum has one more in it.
// CHECK-LABEL: func.func @more_in_the_sum(
// CHECK-COUNT-2: linalg.contract
func.func @more_in_the_sum(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %x = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %d = arith.subf %a, %b : f32
    %w = math.exp %d : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %one = arith.constant dense<1.0> : tensor<2x5xf32>
  %sum = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : tensor<2x5x5xf32>) outs(%one : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.addf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %sum : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %w = arith.divf %a, %b : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The sum is over the queries.
// CHECK-LABEL: func.func @sum_over_queries(
// CHECK-COUNT-2: linalg.contract
func.func @sum_over_queries(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %x = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %d = arith.subf %a, %b : f32
    %w = math.exp %d : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %sum = linalg.generic {indexing_maps = [#id, #column], iterator_types = ["parallel", "reduction", "parallel"]} ins(%x : tensor<2x5x5xf32>) outs(%zero : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.addf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %sum : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %w = arith.divf %a, %b : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Nothing is divided.
// CHECK-LABEL: func.func @never_divided(
// CHECK-COUNT-2: linalg.contract
func.func @never_divided(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %max = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "parallel", "reduction"]} ins(%s : tensor<2x5x5xf32>) outs(%lowest : tensor<2x5xf32>) {
  ^bb0(%in: f32, %t: f32):
    %y = arith.maximumf %in, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5xf32>
  %p = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %max : tensor<2x5x5xf32>, tensor<2x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %u: f32):
    %d = arith.subf %a, %b : f32
    %w = math.exp %d : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// No softmax.
// CHECK-LABEL: func.func @no_softmax(
// CHECK-COUNT-2: linalg.contract
func.func @no_softmax(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%s, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Something else is done to scores.
// CHECK-LABEL: func.func @squashed(
// CHECK-COUNT-2: linalg.contract
func.func @squashed(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %capped = math.sin %s : tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%capped : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// A score that replaces others, and counts.
// CHECK-LABEL: func.func @small_replacement(
// CHECK-COUNT-2: linalg.contract
func.func @small_replacement(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>, %kept: tensor<2x5xi1>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %m = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s, %kept : tensor<2x5x5xf32>, tensor<2x5xi1>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %b: i1, %u: f32):
    %few = arith.constant -1.0e2 : f32
    %w = arith.select %b, %a, %few : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// A mask that is computed from scores.
// CHECK-LABEL: func.func @mask_of_scores(
// CHECK-COUNT-2: linalg.contract
func.func @mask_of_scores(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]} ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) {
  ^bb0(%a: f32, %u: f32):
    %few = arith.constant 1.0 : f32
    %inf = arith.constant 0xFF800000 : f32
    %c = arith.cmpf ogt, %a, %few : f32
    %w = arith.select %c, %a, %inf : f32
    linalg.yield %w : f32
  } -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%m : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The second product adds to what is there.
// CHECK-LABEL: func.func @adds_to_more(
// CHECK-COUNT-2: linalg.contract
func.func @adds_to_more(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%v : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The second product sums over the batch as well.
// CHECK-LABEL: func.func @summed_over_the_batch(
// CHECK-COUNT-2: linalg.contract
func.func @summed_over_the_batch(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %init = arith.constant dense<0.0> : tensor<5x8xf32>
  %o = linalg.contract indexing_maps = [#s, #k, affine_map<(b, i, j, e) -> (i, e)>] ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%init : tensor<5x8xf32>) -> tensor<5x8xf32>
  return %o : tensor<5x8xf32>
}

// Values belong to queries, not to keys.
// CHECK-LABEL: func.func @other_values(
// CHECK-COUNT-2: linalg.{{contract|generic}}
func.func @other_values(%q: tensor<2x5x8xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x5x8xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %init = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.generic {indexing_maps = [affine_map<(b, i, e, j) -> (b, i, j)>, affine_map<(b, i, e, j) -> (b, i, e)>, affine_map<(b, i, e, j) -> (b, i, e)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]} ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%init : tensor<2x5x8xf32>) {
  ^bb0(%a: f32, %b: f32, %t: f32):
    %w = arith.mulf %a, %b : f32
    %y = arith.addf %w, %t : f32
    linalg.yield %y : f32
  } -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Widths of heads that are not known.
// CHECK-LABEL: func.func @unknown_width(
// CHECK-COUNT-2: linalg.batch_matmul
func.func @unknown_width(%q: tensor<2x5x?xf32>, %k: tensor<2x?x5xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf32>
  %e = tensor.empty() : tensor<2x5x5xf32>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x5x?xf32>, tensor<2x?x5xf32>) outs(%zeros : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf32>) outs(%e : tensor<2x5x5xf32>) -> tensor<2x5x5xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x5x5xf32>, tensor<2x5x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// In f64, which it would be less precise than.
// CHECK-LABEL: func.func @f64(
// CHECK-COUNT-2: linalg.batch_matmul
func.func @f64(%q: tensor<2x5x8xf64>, %k: tensor<2x8x5xf64>, %v: tensor<2x5x8xf64>) -> tensor<2x5x8xf64> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x5xf64>
  %e = tensor.empty() : tensor<2x5x5xf64>
  %s = linalg.batch_matmul ins(%q, %k : tensor<2x5x8xf64>, tensor<2x8x5xf64>) outs(%zeros : tensor<2x5x5xf64>) -> tensor<2x5x5xf64>
  %p = linalg.softmax dimension(2) ins(%s : tensor<2x5x5xf64>) outs(%e : tensor<2x5x5xf64>) -> tensor<2x5x5xf64>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf64>
  %o = linalg.batch_matmul ins(%p, %v : tensor<2x5x5xf64>, tensor<2x5x8xf64>) outs(%out : tensor<2x5x8xf64>) -> tensor<2x5x8xf64>
  return %o : tensor<2x5x8xf64>
}

// On memrefs.
// CHECK-LABEL: func.func @memrefs(
// CHECK-COUNT-2: linalg.batch_matmul
func.func @memrefs(%q: memref<2x5x8xf32>, %k: memref<2x8x5xf32>, %v: memref<2x5x8xf32>, %s: memref<2x5x5xf32>, %o: memref<2x5x8xf32>) {
  linalg.batch_matmul ins(%q, %k : memref<2x5x8xf32>, memref<2x8x5xf32>) outs(%s : memref<2x5x5xf32>)
  linalg.softmax dimension(2) ins(%s : memref<2x5x5xf32>) outs(%s : memref<2x5x5xf32>)
  linalg.batch_matmul ins(%s, %v : memref<2x5x5xf32>, memref<2x5x8xf32>) outs(%o : memref<2x5x8xf32>)
  return
}
