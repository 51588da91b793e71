// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention))' | FileCheck %s --implicit-check-not=attn.sdpa

// What looks like a softmax, but is something else, stays as it is.

#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>

// What is subtracted from all queries alike, but depends on scores.
// CHECK-LABEL: func.func @shifted_by_key(
// CHECK-COUNT-2: linalg.contract
func.func @shifted_by_key(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %l7 = arith.constant dense<0xFF800000> : tensor<2x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%l7 : tensor<2x7xf32>) dimensions = [1]
  %mb = linalg.broadcast ins(%m : tensor<2x7xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [1]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Left out of the sum by another condition than of the probabilities.
// CHECK-LABEL: func.func @kept_by_another(
// CHECK-COUNT-2: linalg.contract
func.func @kept_by_another(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %kept: tensor<2x5x7xi1>, %other: tensor<2x5x7xi1>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %k0 = arith.select %kept, %w, %zeros : tensor<2x5x7xi1>, tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%k0 : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %pk = arith.select %other, %p, %zeros : tensor<2x5x7xi1>, tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%pk, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Left out of the sum only.
// CHECK-LABEL: func.func @left_out_of_the_sum(
// CHECK-COUNT-2: linalg.contract
func.func @left_out_of_the_sum(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %kept: tensor<2x5x7xi1>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %k0 = arith.select %kept, %w, %zeros : tensor<2x5x7xi1>, tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%k0 : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Left out of the probabilities only.
// CHECK-LABEL: func.func @left_out_after_the_sum(
// CHECK-COUNT-2: linalg.contract
func.func @left_out_after_the_sum(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %kept: tensor<2x5x7xi1>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %pk = arith.select %kept, %p, %zeros : tensor<2x5x7xi1>, tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%pk, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The logarithm of a sum that was shifted by something else.
// CHECK-LABEL: func.func @another_logarithm(
// CHECK-COUNT-2: linalg.contract
func.func @another_logarithm(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %x: tensor<2x5xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %l = math.log %t : tensor<2x5xf32>
  %lse = arith.addf %l, %x : tensor<2x5xf32>
  %lb = linalg.broadcast ins(%lse : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d2 = arith.subf %s, %lb : tensor<2x5x7xf32>
  %p = math.exp %d2 : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Powers of two, divided by a sum of powers of e.
// CHECK-LABEL: func.func @another_base(
// CHECK-COUNT-2: linalg.contract
func.func @another_base(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %w2 = math.exp2 %d : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w2, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Small sums are replaced, not only 0.
// CHECK-LABEL: func.func @small_sums_replaced(
// CHECK-COUNT-2: linalg.contract
func.func @small_sums_replaced(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.exp %d : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %two = arith.constant dense<2.0> : tensor<2x5xf32>
  %is = arith.cmpf olt, %t, %two : tensor<2x5xf32>
  %t1 = arith.select %is, %two, %t : tensor<2x5xi1>, tensor<2x5xf32>
  %tb = linalg.broadcast ins(%t1 : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}
