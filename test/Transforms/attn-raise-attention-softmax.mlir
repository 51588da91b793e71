// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-attention,canonicalize,cse))' | FileCheck %s --implicit-check-not=linalg.contract

// Softmax in the ways that people and exporters write it.

#q = affine_map<(b, i, j, e) -> (b, i, e)>
#k = affine_map<(b, i, j, e) -> (b, j, e)>
#s = affine_map<(b, i, j, e) -> (b, i, j)>

// Without the largest: the quotient is the same.
// CHECK-LABEL: func.func @unshifted(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @unshifted(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %w = math.exp %s : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Less the largest, but at least a number; or whatever is the same for all keys.
// CHECK-LABEL: func.func @clamped(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @clamped(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %x: tensor<2x5xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %low = arith.constant dense<-1.0e+2> : tensor<2x5xf32>
  %c = arith.maximumf %m, %low : tensor<2x5xf32>
  %mb = linalg.broadcast ins(%c : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %xb = linalg.broadcast ins(%x : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d2 = arith.subf %d, %xb : tensor<2x5x7xf32>
  %w = math.exp %d2 : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Powers of two: the scale is 2 · log 2.
// CHECK-LABEL: func.func @powers(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.3862943611198906 : f64}
func.func @powers(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %two = arith.constant dense<2.0> : tensor<2x5x7xf32>
  %x = arith.mulf %s, %two : tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%x : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %x, %mb : tensor<2x5x7xf32>
  %w = math.exp2 %d : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The same by math.powf, whose base is a constant.
// CHECK-LABEL: func.func @powers_of_constant(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 0.69314718055994529 : f64}
func.func @powers_of_constant(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %two = arith.constant dense<2.0> : tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %w = math.powf %two, %d : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Scaled after the largest is subtracted.
// CHECK-LABEL: func.func @scaled_last(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 5.000000e-01 : f64}
func.func @scaled_last(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %zero = arith.constant dense<0.0> : tensor<2x5xf32>
  %lowest = arith.constant dense<0xFF800000> : tensor<2x5xf32>
  %e = tensor.empty() : tensor<2x5x7xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %half = arith.constant dense<0.5> : tensor<2x5x7xf32>
  %m = linalg.reduce { arith.maximumf } ins(%s : tensor<2x5x7xf32>) outs(%lowest : tensor<2x5xf32>) dimensions = [2]
  %mb = linalg.broadcast ins(%m : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d = arith.subf %s, %mb : tensor<2x5x7xf32>
  %x = arith.mulf %half, %d : tensor<2x5x7xf32>
  %w = math.exp %x : tensor<2x5x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w : tensor<2x5x7xf32>) outs(%zero : tensor<2x5xf32>) dimensions = [2]
  %tb = linalg.broadcast ins(%t : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Less the logarithm of the sum.
// CHECK-LABEL: func.func @log_softmax(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @log_softmax(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
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
  %lb = linalg.broadcast ins(%l : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d2 = arith.subf %d, %lb : tensor<2x5x7xf32>
  %p = math.exp %d2 : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The largest is added to the logarithm first.
// CHECK-LABEL: func.func @log_sum_exp(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @log_sum_exp(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
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
  %a = math.absf %t : tensor<2x5xf32>
  %l = math.log %a : tensor<2x5xf32>
  %lse = arith.addf %l, %m : tensor<2x5xf32>
  %lb = linalg.broadcast ins(%lse : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %d2 = arith.subf %s, %lb : tensor<2x5x7xf32>
  %p = math.exp %d2 : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// A weight of 0 is that of a key which is excluded; no sum is 0.
// CHECK-LABEL: func.func @weights_left_out(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @weights_left_out(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %kept: tensor<2x5x7xi1>) -> tensor<2x5x8xf32> {
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
  %one = arith.constant dense<1.0> : tensor<2x5xf32>
  %is = arith.cmpf oeq, %t, %zero : tensor<2x5xf32>
  %t1 = arith.select %is, %one, %t : tensor<2x5xi1>, tensor<2x5xf32>
  %tb = linalg.broadcast ins(%t1 : tensor<2x5xf32>) outs(%e : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %k0, %tb : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// Left out of the sum, and of the probabilities.
// CHECK-LABEL: func.func @probabilities_left_out(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 mask(%{{.*}}) outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @probabilities_left_out(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>, %kept: tensor<2x5x7xi1>) -> tensor<2x5x8xf32> {
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
  %pk = arith.select %kept, %p, %zeros : tensor<2x5x7xi1>, tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%pk, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// What is not a number becomes 0; what is infinite, which none is, a number.
// CHECK-LABEL: func.func @no_infinity(
// CHECK:         attn.sdpa %arg0, %arg1, %arg1 outs(%{{.*}}) {scale = 1.000000e+00 : f64}
func.func @no_infinity(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
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
  %inf = arith.constant dense<0x7FF0000000000000> : tensor<2x5x7xf64>
  %most = arith.constant dense<3.4e+38> : tensor<2x5x7xf32>
  %n = arith.cmpf uno, %p, %p : tensor<2x5x7xf32>
  %p0 = arith.select %n, %zeros, %p : tensor<2x5x7xi1>, tensor<2x5x7xf32>
  %pd = arith.extf %p : tensor<2x5x7xf32> to tensor<2x5x7xf64>
  %i = arith.cmpf oeq, %pd, %inf : tensor<2x5x7xf64>
  %p1 = arith.select %i, %most, %p0 : tensor<2x5x7xi1>, tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p1, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}

// The sum over a dimension of size 1 is not that over the keys, which it leaves.
// CHECK-LABEL: func.func @sum_of_one(
// CHECK:         linalg.contract
// CHECK-NOT:     attn.sdpa
// CHECK:         linalg.contract
func.func @sum_of_one(%q: tensor<2x5x8xf32>, %k: tensor<2x7x8xf32>) -> tensor<2x5x8xf32> {
  %zeros = arith.constant dense<0.0> : tensor<2x5x7xf32>
  %out = arith.constant dense<0.0> : tensor<2x5x8xf32>
  %s = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x5x8xf32>, tensor<2x7x8xf32>) outs(%zeros : tensor<2x5x7xf32>) -> tensor<2x5x7xf32>
  %w = math.exp %s : tensor<2x5x7xf32>
  %w1 = tensor.expand_shape %w [[0], [1, 2], [3]] output_shape [2, 5, 1, 7] : tensor<2x5x7xf32> into tensor<2x5x1x7xf32>
  %t = linalg.reduce { arith.addf } ins(%w1 : tensor<2x5x1x7xf32>) outs(%zeros : tensor<2x5x7xf32>) dimensions = [2]
  %p = arith.divf %w, %t : tensor<2x5x7xf32>
  %o = linalg.contract indexing_maps = [#s, #k, #q] ins(%p, %k : tensor<2x5x7xf32>, tensor<2x7x8xf32>) outs(%out : tensor<2x5x8xf32>) -> tensor<2x5x8xf32>
  return %o : tensor<2x5x8xf32>
}
