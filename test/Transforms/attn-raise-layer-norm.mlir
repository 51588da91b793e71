// RUN: attn-opt %s --pass-pipeline='builtin.module(func.func(attn-raise-layer-norm,canonicalize,cse))' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (j)>
#column = affine_map<(i, j) -> (i)>
#unit = affine_map<(i, j) -> (i, 0)>

// Step by step, with the mean kept as a column, as ONNX has it.
// CHECK-LABEL: func.func @steps(
// CHECK:         %[[E:.*]] = tensor.empty
// CHECK-NEXT:    %[[Y:.*]] = attn.layer_norm %arg0, %arg1, %arg2 outs(%[[E]]) {epsilon = 9.9{{[0-9]+}}E-7 : f64} : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @steps(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>, %m: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-06 : f32
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %v = tensor.empty(%m) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%v : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %column = tensor.expand_shape %sum [[0, 1]] output_shape [%m, 1] : tensor<?xf32> into tensor<?x1xf32>
  %centred = linalg.generic {indexing_maps = [#id, #unit, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %column : tensor<?x8xf32>, tensor<?x1xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %mean = arith.divf %s, %count : f32
    %r = arith.subf %a, %mean : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %square = arith.mulf %centred, %centred : tensor<?x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%square : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares, %w, %b : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%c: f32, %s: f32, %g: f32, %h: f32, %o: f32):
    %variance = arith.divf %s, %count : f32
    %more = arith.addf %variance, %epsilon : f32
    %root = math.sqrt %more : f32
    %n = arith.divf %c, %root : f32
    %t = arith.mulf %n, %g : f32
    %r = arith.addf %t, %h : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// By reciprocals, with a power, factors and addends the other way round.
// CHECK-LABEL: func.func @reciprocals(
// CHECK:         attn.layer_norm %arg0, %arg1, %arg2
// CHECK-NOT:     linalg
// CHECK:         return
func.func @reciprocals(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>, %m: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %part = arith.constant 0.125 : f32
  %two = arith.constant 2.0 : f32
  %epsilon = arith.constant 1.0e-05 : f32
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %v = tensor.empty(%m) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%v : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %squares = linalg.generic {indexing_maps = [#id, #column, #column], iterator_types = ["parallel", "reduction"]} ins(%x, %sum : tensor<?x8xf32>, tensor<?xf32>) outs(%f : tensor<?xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %mean = arith.mulf %part, %s : f32
    %c = arith.subf %a, %mean : f32
    %q = math.powf %c, %two : f32
    %r = arith.addf %o, %q : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<?x8xf32>, tensor<?xf32>, tensor<?xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f32, %g: f32, %h: f32, %o: f32):
    %mean = arith.mulf %part, %s : f32
    %c = arith.subf %a, %mean : f32
    %variance = arith.mulf %q, %part : f32
    %more = arith.addf %epsilon, %variance : f32
    %root = math.rsqrt %more : f32
    %n = arith.mulf %root, %c : f32
    %t = arith.mulf %g, %n : f32
    %r = arith.addf %h, %t : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// The mean of the squares of x itself is no variance.
// CHECK-LABEL: func.func @not_centred(
// CHECK-NOT:     attn.layer_norm
// CHECK:         return
func.func @not_centred(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>, %m: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-05 : f32
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %v = tensor.empty(%m) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%v : tensor<?xf32>) -> tensor<?xf32>
  %square = arith.mulf %x, %x : tensor<?x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%square : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %squares, %w, %b : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%c: f32, %s: f32, %g: f32, %h: f32, %o: f32):
    %variance = arith.divf %s, %count : f32
    %more = arith.addf %variance, %epsilon : f32
    %root = math.sqrt %more : f32
    %n = arith.divf %c, %root : f32
    %t = arith.mulf %n, %g : f32
    %r = arith.addf %t, %h : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// A sum of squares by another number is no variance.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     attn.layer_norm
// CHECK:         return
func.func @others(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>, %m: index) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %less = arith.constant 7.0 : f32
  %epsilon = arith.constant 1.0e-05 : f32
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %v = tensor.empty(%m) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%v : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %centred = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<?x8xf32>, tensor<?xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %mean = arith.divf %s, %count : f32
    %r = arith.subf %a, %mean : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %square = arith.mulf %centred, %centred : tensor<?x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%square : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %y:2 = linalg.generic {indexing_maps = [#id, #column, #row, #row, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares, %w, %b : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e, %e : tensor<?x8xf32>, tensor<?x8xf32>) {
  ^bb0(%c: f32, %s: f32, %g: f32, %h: f32, %o: f32, %o2: f32):
    %variance = arith.divf %s, %less : f32
    %more = arith.addf %variance, %epsilon : f32
    %root = math.sqrt %more : f32
    %n = arith.divf %c, %root : f32
    %t = arith.mulf %n, %g : f32
    %r = arith.addf %t, %h : f32
    linalg.yield %r, %t : f32, f32
  } -> (tensor<?x8xf32>, tensor<?x8xf32>)
  return %y#0, %y#1 : tensor<?x8xf32>, tensor<?x8xf32>
}

// Without w and b, which then change nothing, in bf16: computed in f32.
// CHECK-LABEL: func.func @missing(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x8xbf16>,
// CHECK-DAG:     %[[W:.*]] = arith.constant dense<1.000000e+00> : tensor<8xf32>
// CHECK-DAG:     %[[B:.*]] = arith.constant dense<0.000000e+00> : tensor<8xf32>
// CHECK:         %[[WIDE:.*]] = arith.extf %[[X]]
// CHECK:         %[[Y:.*]] = attn.layer_norm %[[WIDE]], %[[W]], %[[B]]
// CHECK:         %[[NARROW:.*]] = arith.truncf %[[Y]]
// CHECK:         return %[[NARROW]]
func.func @missing(%x: tensor<?x8xbf16>, %m: index) -> tensor<?x8xbf16> {
  %zero = arith.constant 0.0 : bf16
  %count = arith.constant 8.0 : bf16
  %epsilon = arith.constant 1.0e-05 : f64
  %e = tensor.empty(%m) : tensor<?x8xbf16>
  %v = tensor.empty(%m) : tensor<?xbf16>
  %f = linalg.fill ins(%zero : bf16) outs(%v : tensor<?xbf16>) -> tensor<?xbf16>
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<?x8xbf16>) outs(%f : tensor<?xbf16>) dimensions = [1]
  %centred = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<?x8xbf16>, tensor<?xbf16>) outs(%e : tensor<?x8xbf16>) {
  ^bb0(%a: bf16, %s: bf16, %o: bf16):
    %mean = arith.divf %s, %count : bf16
    %r = arith.subf %a, %mean : bf16
    linalg.yield %r : bf16
  } -> tensor<?x8xbf16>
  %square = arith.mulf %centred, %centred : tensor<?x8xbf16>
  %squares = linalg.reduce {arith.addf} ins(%square : tensor<?x8xbf16>) outs(%f : tensor<?xbf16>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares : tensor<?x8xbf16>, tensor<?xbf16>) outs(%e : tensor<?x8xbf16>) {
  ^bb0(%c: bf16, %s: bf16, %o: bf16):
    %variance = arith.divf %s, %count : bf16
    %rounded = arith.truncf %epsilon : f64 to bf16
    %more = arith.addf %variance, %rounded : bf16
    %root = math.rsqrt %more : bf16
    %n = arith.mulf %c, %root : bf16
    linalg.yield %n : bf16
  } -> tensor<?x8xbf16>
  return %y : tensor<?x8xbf16>
}

// What is multiplied by a column stays behind: that is no weight.
// CHECK-LABEL: func.func @column(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<?x8xf32>, %[[COLUMN:[^:]*]]: tensor<?xf32>,
// CHECK-SAME:    %[[BIAS:[^:]*]]: tensor<8xf32>,
// CHECK:         %[[N:.*]] = attn.layer_norm %[[X]]
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%{{.*}}, %[[COLUMN]], %[[BIAS]]
func.func @column(%x: tensor<?x8xf32>, %w: tensor<?xf32>, %b: tensor<8xf32>, %m: index) -> tensor<?x8xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-05 : f32
  %e = tensor.empty(%m) : tensor<?x8xf32>
  %v = tensor.empty(%m) : tensor<?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%v : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %centred = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum : tensor<?x8xf32>, tensor<?xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %s: f32, %o: f32):
    %mean = arith.divf %s, %count : f32
    %r = arith.subf %a, %mean : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %square = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%centred : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%c: f32, %o: f32):
    %two = arith.constant 2 : i64
    %r = math.fpowi %c, %two : f32, i64
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%square : tensor<?x8xf32>) outs(%f : tensor<?xf32>) dimensions = [1]
  %n = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%centred, %squares : tensor<?x8xf32>, tensor<?xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%c: f32, %s: f32, %o: f32):
    %variance = arith.divf %s, %count : f32
    %more = arith.addf %variance, %epsilon : f32
    %root = math.sqrt %more : f32
    %r = arith.divf %c, %root : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  %y = linalg.generic {indexing_maps = [#id, #column, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%n, %w, %b : tensor<?x8xf32>, tensor<?xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%c: f32, %g: f32, %h: f32, %o: f32):
    %t = arith.mulf %c, %g : f32
    %r = arith.addf %t, %h : f32
    linalg.yield %r : f32
  } -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// As PyTorch exports it: the variance by itself, in f64.
// CHECK-LABEL: func.func @variance_in_f64(
// CHECK:         %[[Y:.*]] = attn.layer_norm %arg0, %arg1, %arg2
// CHECK-NEXT:    return %[[Y]]
func.func @variance_in_f64(%x: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %zero64 = arith.constant dense<0.0> : tensor<4xf64>
  %count = arith.constant 8.0 : f32
  %count64 = arith.constant 8.0 : f64
  %epsilon = arith.constant 1.0e-05 : f64
  %e = tensor.empty() : tensor<4x8xf32>
  %e64 = tensor.empty() : tensor<4x8xf64>
  %wide = arith.extf %x : tensor<4x8xf32> to tensor<4x8xf64>
  %sum64 = linalg.reduce {arith.addf} ins(%wide : tensor<4x8xf64>) outs(%zero64 : tensor<4xf64>) dimensions = [1]
  %squared = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%wide, %sum64 : tensor<4x8xf64>, tensor<4xf64>) outs(%e64 : tensor<4x8xf64>) {
  ^bb0(%a: f64, %s: f64, %o: f64):
    %mean = arith.divf %s, %count64 : f64
    %d = arith.subf %a, %mean : f64
    %r = arith.mulf %d, %d : f64
    linalg.yield %r : f64
  } -> tensor<4x8xf64>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf64>) outs(%zero64 : tensor<4xf64>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf64>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f64, %g: f32, %h: f32, %o: f32):
    %mean = arith.divf %s, %count : f32
    %v64 = arith.divf %q, %count64 : f64
    %v = arith.truncf %v64 : f64 to f32
    %small = arith.truncf %epsilon : f64 to f32
    %more = arith.addf %v, %small : f32
    %root = math.rsqrt %more : f32
    %c = arith.subf %a, %mean : f32
    %n = arith.mulf %c, %root : f32
    %t = arith.mulf %n, %g : f32
    %r = arith.addf %t, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// The variance is that of another tensor.
// CHECK-LABEL: func.func @another_variance(
// CHECK-NOT:     attn.layer_norm
// CHECK:         return
func.func @another_variance(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %zero64 = arith.constant dense<0.0> : tensor<4xf64>
  %count = arith.constant 8.0 : f32
  %count64 = arith.constant 8.0 : f64
  %epsilon = arith.constant 1.0e-05 : f64
  %e = tensor.empty() : tensor<4x8xf32>
  %e64 = tensor.empty() : tensor<4x8xf64>
  %wide = arith.extf %z : tensor<4x8xf32> to tensor<4x8xf64>
  %sum64 = linalg.reduce {arith.addf} ins(%wide : tensor<4x8xf64>) outs(%zero64 : tensor<4xf64>) dimensions = [1]
  %squared = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]} ins(%wide, %sum64 : tensor<4x8xf64>, tensor<4xf64>) outs(%e64 : tensor<4x8xf64>) {
  ^bb0(%a: f64, %s: f64, %o: f64):
    %mean = arith.divf %s, %count64 : f64
    %d = arith.subf %a, %mean : f64
    %r = arith.mulf %d, %d : f64
    linalg.yield %r : f64
  } -> tensor<4x8xf64>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf64>) outs(%zero64 : tensor<4xf64>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf64>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f64, %g: f32, %h: f32, %o: f32):
    %mean = arith.divf %s, %count : f32
    %v64 = arith.divf %q, %count64 : f64
    %v = arith.truncf %v64 : f64 to f32
    %small = arith.truncf %epsilon : f64 to f32
    %more = arith.addf %v, %small : f32
    %root = math.rsqrt %more : f32
    %c = arith.subf %a, %mean : f32
    %n = arith.mulf %c, %root : f32
    %t = arith.mulf %n, %g : f32
    %r = arith.addf %t, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// As JAX (Flax) writes it: the variance by the mean of the squares, not less than 0;
// the weight multiplies the reciprocal root.
// CHECK-LABEL: func.func @mean_of_squares(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<4x8xf32>, %{{.*}}: tensor<4x8xf32>, %[[W:[^:]*]]: tensor<8xf32>, %[[B:[^:]*]]: tensor<8xf32>)
// CHECK:         %[[Y:.*]] = attn.layer_norm %[[X]], %[[W]], %[[B]] outs(%{{.*}}) {epsilon = {{.*}}E-7 : f64}
// CHECK-NEXT:    return %[[Y]]
func.func @mean_of_squares(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %least = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-06 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %squared = arith.mulf %x, %x : tensor<4x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f32, %g: f32, %h: f32, %o: f32):
    %m = arith.divf %s, %count : f32
    %m2 = arith.divf %q, %count : f32
    %mm = arith.mulf %m, %m : f32
    %d2 = arith.subf %m2, %mm : f32
    %v = arith.maximumf %d2, %least : f32
    %more = arith.addf %v, %epsilon : f32
    %root = math.rsqrt %more : f32
    %scaled = arith.mulf %root, %g : f32
    %c = arith.subf %a, %m : f32
    %n = arith.mulf %c, %scaled : f32
    %r = arith.addf %n, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// What is normalised is used in two shapes.
// CHECK-LABEL: func.func @reshaped(
// CHECK-SAME:    %[[X:[^:]*]]: tensor<4x8xf32>, %{{.*}}: tensor<4x8xf32>, %[[W:[^:]*]]: tensor<8xf32>, %[[B:[^:]*]]: tensor<8xf32>)
// CHECK-NOT:     linalg
// CHECK:         %[[Y:.*]] = attn.layer_norm %[[X]], %[[W]], %[[B]]
// CHECK-NEXT:    %[[R:.*]] = tensor.expand_shape %[[Y]]
// CHECK-NEXT:    return %[[Y]], %[[R]]
func.func @reshaped(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<2x2x8xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %least = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-06 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %squared = arith.mulf %x, %x : tensor<4x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f32, %g: f32, %h: f32, %o: f32):
    %m = arith.divf %s, %count : f32
    %m2 = arith.divf %q, %count : f32
    %mm = arith.mulf %m, %m : f32
    %d2 = arith.subf %m2, %mm : f32
    %v = arith.maximumf %d2, %least : f32
    %more = arith.addf %v, %epsilon : f32
    %root = math.rsqrt %more : f32
    %scaled = arith.mulf %root, %g : f32
    %c = arith.subf %a, %m : f32
    %n = arith.mulf %c, %scaled : f32
    %r = arith.addf %n, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  %r = tensor.expand_shape %y [[0, 1], [2]] output_shape [2, 2, 8] : tensor<4x8xf32> into tensor<2x2x8xf32>
  return %y, %r : tensor<4x8xf32>, tensor<2x2x8xf32>
}

// The squares are those of another tensor.
// CHECK-LABEL: func.func @squares_of_another(
// CHECK-NOT:     attn.layer_norm
// CHECK:         return
func.func @squares_of_another(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %least = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-06 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %squared = arith.mulf %z, %z : tensor<4x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f32, %g: f32, %h: f32, %o: f32):
    %m = arith.divf %s, %count : f32
    %m2 = arith.divf %q, %count : f32
    %mm = arith.mulf %m, %m : f32
    %d2 = arith.subf %m2, %mm : f32
    %v = arith.maximumf %d2, %least : f32
    %more = arith.addf %v, %epsilon : f32
    %root = math.rsqrt %more : f32
    %scaled = arith.mulf %root, %g : f32
    %c = arith.subf %a, %m : f32
    %n = arith.mulf %c, %scaled : f32
    %r = arith.addf %n, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// What is averaged are no squares.
// CHECK-LABEL: func.func @no_squares(
// CHECK-NOT:     attn.layer_norm
// CHECK:         return
func.func @no_squares(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %least = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-06 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %squared = arith.mulf %x, %z : tensor<4x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f32, %g: f32, %h: f32, %o: f32):
    %m = arith.divf %s, %count : f32
    %m2 = arith.divf %q, %count : f32
    %mm = arith.mulf %m, %m : f32
    %d2 = arith.subf %m2, %mm : f32
    %v = arith.maximumf %d2, %least : f32
    %more = arith.addf %v, %epsilon : f32
    %root = math.rsqrt %more : f32
    %scaled = arith.mulf %root, %g : f32
    %c = arith.subf %a, %m : f32
    %n = arith.mulf %c, %scaled : f32
    %r = arith.addf %n, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// The other way round, it is no variance.
// CHECK-LABEL: func.func @mean_square_less(
// CHECK-NOT:     attn.layer_norm
// CHECK:         return
func.func @mean_square_less(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %least = arith.constant 0.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-06 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %squared = arith.mulf %x, %x : tensor<4x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f32, %g: f32, %h: f32, %o: f32):
    %m = arith.divf %s, %count : f32
    %m2 = arith.divf %q, %count : f32
    %mm = arith.mulf %m, %m : f32
    %d2 = arith.subf %mm, %m2 : f32
    %v = arith.maximumf %d2, %least : f32
    %more = arith.addf %v, %epsilon : f32
    %root = math.rsqrt %more : f32
    %scaled = arith.mulf %root, %g : f32
    %c = arith.subf %a, %m : f32
    %n = arith.mulf %c, %scaled : f32
    %r = arith.addf %n, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// A variance of 1 at least.
// CHECK-LABEL: func.func @variance_of_one(
// CHECK-NOT:     attn.layer_norm
// CHECK:         return
func.func @variance_of_one(%x: tensor<4x8xf32>, %z: tensor<4x8xf32>, %w: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %least = arith.constant 1.0 : f32
  %count = arith.constant 8.0 : f32
  %epsilon = arith.constant 1.0e-06 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %squared = arith.mulf %x, %x : tensor<4x8xf32>
  %squares = linalg.reduce {arith.addf} ins(%squared : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %sum = linalg.reduce {arith.addf} ins(%x : tensor<4x8xf32>) outs(%zero : tensor<4xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #column, #column, #row, #row, #id], iterator_types = ["parallel", "parallel"]} ins(%x, %sum, %squares, %w, %b : tensor<4x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%a: f32, %s: f32, %q: f32, %g: f32, %h: f32, %o: f32):
    %m = arith.divf %s, %count : f32
    %m2 = arith.divf %q, %count : f32
    %mm = arith.mulf %m, %m : f32
    %d2 = arith.subf %m2, %mm : f32
    %v = arith.maximumf %d2, %least : f32
    %more = arith.addf %v, %epsilon : f32
    %root = math.rsqrt %more : f32
    %scaled = arith.mulf %root, %g : f32
    %c = arith.subf %a, %m : f32
    %n = arith.mulf %c, %scaled : f32
    %r = arith.addf %n, %h : f32
    linalg.yield %r : f32
  } -> tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
