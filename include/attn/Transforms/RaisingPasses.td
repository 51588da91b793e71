// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From upstream operations to attn.

#ifndef ATTN_TRANSFORMS_RAISINGPASSES_TD
#define ATTN_TRANSFORMS_RAISINGPASSES_TD

include "mlir/Pass/PassBase.td"

def AssertBounds : Pass<"attn-assert-bounds", "::mlir::func::FuncOp"> {
  let summary = "asserts what operations take for granted of sizes and indices";
  let description = [{
    Of dynamic sizes, an operation may say what is not so, and would read or
    write other memory then. Before it, a `cf.assert` says what has to hold:

    | before | what is asserted |
    | --- | --- |
    | `tensor.dim` | the index is that of a dimension |
    | `tensor.empty`, `tensor.splat`, `tensor.generate` | no size is negative, and the bytes of all elements can be counted, unless the sizes are those of other tensors |
    | `tensor.cast` | what becomes static has that size, such as a front end saw in an example |
    | `tensor.expand_shape`, `tensor.reshape` | no size is negative, and there are as many elements as before, which can be counted |
    | `tensor.concat` | tensors have the same sizes, but for the dimension that they follow each other in |
    | `tensor.pad` | no padding is negative, a static size is that with it, and for others the same as for `tensor.empty` |
    | `tensor.extract_slice`, `tensor.insert_slice` | the slice lies inside of the tensor, or is empty; what is inserted has its sizes |
    | `tensor.extract`, `tensor.insert` | each index lies inside |
    | `linalg.softmax`, elementwise operations on tensors | all tensors have the same sizes |
    | other operations of linalg | dimensions with a loop in common have the same size, and what is indexed by more than a loop lies inside, unless there is nothing to compute |

    Nothing is asserted that follows from where sizes come from, nor twice. What
    bodies of `linalg.generic` extract at indices of their loops is asserted
    before the loops; at indices that are data, where they read.

    Assertions that only compare sizes of arguments are checked before a call
    (`attn-emit-manifest`).

    Limits: operations of attn, and on memrefs, are left alone. This comes first:
    later passes make casts of their own, which are right.

    ```mlir
    %y = tensor.cast %x : tensor<?x64xf32> to tensor<8x64xf32>
    ```

    becomes

    ```mlir
    %n = tensor.dim %x, %c0 : tensor<?x64xf32>
    %holds = arith.cmpi eq, %n, %c8 : index
    cf.assert %holds, "tensor.cast: expected size 8 in dimension 0 of operand 0"
    %y = tensor.cast %x : tensor<?x64xf32> to tensor<8x64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ImportGlobals : Pass<"attn-import-globals", "::mlir::ModuleOp"> {
  let summary = "takes constants of ml_program as weights";
  let description = [{
    Upstream IR declares a constant that lies outside of it as an
    `ml_program.global` with an external value, whose name is the key to where
    it is. Each becomes an `attn.weight` that names the tensor of that name in
    the weights file, all of them in one group `@globals`, and its loads become
    `attn.get_weight`: so they are packed once, when the program starts. Loads of
    a global that has its value with it become an `arith.constant`.

    Limits: mutable globals are an error, as are external ones that are not of
    f32, f16 or bf16 and of static shape.

    ```mlir
    ml_program.global private @w(#ml_program.extern<tensor<512x2048xf32>>) : tensor<512x2048xf32>
    %w = ml_program.global_load_const @w : tensor<512x2048xf32>
    ```

    becomes

    ```mlir
    attn.weights @globals {
      attn.weight @w from ["w"] : tensor<512x2048xf32>
    }
    %w = attn.get_weight @globals::@w : tensor<512x2048xf32>
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ImportConstants : Pass<"attn-import-constants", "::mlir::ModuleOp"> {
  let summary = "takes constants of matrix products as weights";
  let description = [{
    Front ends write trained weights into the functions that read them. Each
    `arith.constant` of 64 floats or more that nothing but matrix products,
    convolutions and lookups read, or that is added to a product with a constant,
    as a bias, becomes an `attn.weight`, of the group `@constants`. Numbers are
    kept in the module's `attn.constants`, by the name of the weight's source, in
    the shape that they are read in. So they are no part of the code that is
    compiled and cached, but packed when the program starts, as those of a file
    are; and layers that differ in nothing else are compiled once
    (`attn-outline-repeats`).

    Limits: what else is done with a constant may depend on its numbers, as of a
    mask that is added to scores: then it stays, as do integers and splats that
    are no bias.

    ```mlir
    %w = arith.constant dense_resource<w> : tensor<512x2048xf32>
    %y = linalg.matmul ins(%x, %w : …) …
    ```

    becomes

    ```mlir
    module attributes {attn.constants = {constants.0 = dense_resource<w> : tensor<512x2048xf32>}} {
      attn.weights @constants {
        attn.weight @"0" from ["constants.0"] : tensor<512x2048xf32>
      }
      …
      %w = attn.get_weight @constants::@"0" : tensor<512x2048xf32>
      %y = linalg.matmul ins(%x, %w : …) …
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect"];
}

def SimplifyShapes : Pass<"attn-simplify-shapes", "::mlir::func::FuncOp"> {
  let summary = "simplifies what front ends compute of dynamic sizes";
  let description = [{
    Front ends that know nothing of a size guard against all that it could be.
    Of tensors, no size is negative, and sizes that are multiplied do not
    overflow; with that, and with which sizes are the same:

    - Comparisons of sizes are decided, and assertions that hold go.
    - Products of sizes that are divided by some of them are the others, and the
      larger of a size and itself is that.
    - A `tensor.reshape` to a list of sizes is a `tensor.collapse_shape` and a
      `tensor.expand_shape`, where they tell which dimensions are merged and
      which are split; otherwise of all dimensions.
    - Elements that the body of a `linalg.generic` extracts from a tensor, at the
      indices of its loops or at 0 where the size is 1, are read as an operand,
      if each size is that of the loop: then it was no broadcast.

    Limits: what may be a broadcast, by sizes that are not known to be the same,
    stays one.

    ```mlir
    %n = tensor.dim %x, %c0 : tensor<?x64xf32>
    %size = arith.index_cast %n : index to i64
    %isNegative = arith.cmpi slt, %size, %c0_i64 : i64
    %any = arith.select %isNegative, %inferred, %size : i64
    %shape = tensor.from_elements %any, %c4_i64, %c16_i64 : tensor<3xi64>
    %y = tensor.reshape %x(%shape) : (tensor<?x64xf32>, tensor<3xi64>) -> tensor<?x4x16xf32>
    ```

    becomes

    ```mlir
    %y = tensor.expand_shape %x [[0], [1, 2]] output_shape [%n, 4, 16] : tensor<?x64xf32> into tensor<?x4x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RaiseAttention : Pass<"attn-raise-attention", "::mlir::func::FuncOp"> {
  let summary = "recognises attention written in upstream operations";
  let description = [{
    Replaces softmax(scale · QKᵀ + mask)V, in whatever way operations of linalg,
    tensor, arith and math write it, by one `attn.sdpa`.

    Algorithm: it follows elements rather than operations. From the end of an
    attention it asks what one element is computed from; so a named operation,
    the body of a `linalg.generic` and arithmetic on tensors look the same. A
    dimension is known by the axes that it runs over. Transposes reorder them,
    broadcasts leave some out, reshapes merge them or split them. What an axis
    is for follows from which of query, key, value and result have it: all of
    them the batch and heads, query and result the queries, key and value the
    keys, query and key what a score sums over, value and result what is left.
    The operands are read from as far up as they only are moved, and arranged as
    `attn.sdpa` has them, heads side by side or in a dimension of their own,
    whichever takes fewer copies. Where keys and values lack an axis of queries,
    or were repeated for it, they are shared: it becomes heads that share them,
    or more queries.

    - Products: any `linalg` operation that sums products of two operands. What
      it adds them to is zero or, for scores, a mask.
    - Scale: constants that multiply or divide scores, queries or keys. What else
      does it to scores before anything is added to them, and is the same for all
      keys, such as a number for each head, does it to queries, in f32.
    - Cap: tanh of scores before the masks, between constants that multiply.
    - Softmax: `linalg.softmax`, or exp(x - c) / Σ exp(x - c), with a division, a
      multiplication by the inverse, or a division of the result; or
      exp(x - log Σ exp x). Powers of other constants are those of e, scaled. What
      is the same for all keys may be c, such as max x, or nothing: it cancels out,
      but for powers that overflow as they are written. Weights that are replaced
      by 0, in the sum too, are those of excluded keys; a sum of 0 may be replaced.
      Where a query has no key, by its scores or by the largest number of its
      mask, or where the softmax is not a number, probabilities may be replaced
      by 0; numbers that are none by another reason are passed on. Probabilities
      that are used elsewhere too become the second result. Where they are
      multiplied or divided by what is the same for all keys, as by a mask of heads,
      the result is.
    - Sinks: scores and one more column have a softmax together, of which the
      probabilities of the column are left out; or exp(sink - max) is added to
      the sum. Where there is one for each head, they become `sinks`.
    - Masks that are added, and selects between scores and a constant of at most
      -10⁴; several become one. Where conditions compare indices, or a constant
      keeps keys by their distance from the query, they become `causal`, windows,
      `positions` if queries do not stand at their own index, be it for each entry
      of the batch, or `lengths`. A condition may be a number that is compared, a
      product with one, a bound of a distance (|query - key|) or of the larger of
      two numbers, or fill a mask where another already excludes. A mask may be the
      first elements of one for more keys than there are. What was repeated for all
      queries before a mask was computed is computed once for all.
    - Guards: where excluded keys have finite scores and a query may be left
      without a key, which bounds do not say, `scf.if` asks if each query keeps
      one. If so, bounds hold and the mask has what is left, such as padding; if
      not, all is in the mask. Not where a mask is of each query and key.
    - Biases: what is added for each head by nothing but the distance between key
      and query, however it is computed (slopes times distances, as in ALiBi; a
      table's rows, chosen by a function of the distance, as in T5), is computed
      for each distance once, and becomes `biases`.
    - Conversions between f32, f16 and bf16, anywhere: what is computed in f32
      then is more precise than what was written. Operands are taken as f16 or
      bf16 where probabilities or the result are rounded to that as well.

    A query that is left without a key gives 0; as it is written, with scores of
    -∞, it is not a number. Finite scores of excluded keys are taken to have no
    weight beside others; where there are no others, all keys count alike, as it
    is written.

    Limits: attention stays as it is if the width of a head is dynamic, if
    a step of the softmax is used elsewhere, or if anything else is done to
    scores. Scores that are used elsewhere are computed twice, unless they are
    returned, and attention has them as they are: then they are its second
    result.

    ```mlir
    %s = linalg.batch_matmul ins(%q, %k_transposed : …) outs(%zero0 : …) -> tensor<?x?x?xf32>
    %p = linalg.softmax dimension(2) ins(%s : …) outs(%e : …) -> tensor<?x?x?xf32>
    %y = linalg.batch_matmul ins(%p, %v : …) outs(%zero1 : …) -> tensor<?x?x64xf32>
    ```

    becomes

    ```mlir
    %y = attn.sdpa %q, %k, %v outs(%y0) {scale = 1.0 : f64} : …
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RaiseLayerNorm : Pass<"attn-raise-layer-norm", "::mlir::func::FuncOp"> {
  let summary = "recognises layer normalisation written in upstream operations";
  let description = [{
    Replaces (x - mean x) / √(variance x + ε) · w + b, over the last dimension, by
    one `attn.layer_norm` (Ba et al., 2016, "Layer Normalization"); where w or b is
    missing, it is a constant. Elements and
    axes are followed as by `attn-raise-attention`. Starting from each sum, which
    may be that of the squares, tensors that are computed from it are tried as
    the result, the last first.

    A mean is a sum that is divided by the size, or multiplied by its reciprocal;
    a square a product or a power; the root divides, or its reciprocal
    multiplies, perhaps together with w. The variance may be computed by itself, and
    in f64; it may be mean x² - (mean x)², of which `attn.layer_norm` loses no
    digits. The mean and
    the deviation may be used elsewhere too, and are computed for that as they
    were. Of f16 and bf16, all is computed in f32, and the result alone is rounded:
    that is more precise than what was written.

    Limits: a normalisation stays as it is if its width is dynamic, if more than
    one dimension is normalised, or if it subtracts no mean (RMS norm); what is
    multiplied by or added to it and is no vector stays behind it.

    ```mlir
    %n = linalg.generic … ins(%x, %mean, %variance, %w, %b : …) … {
    ^bb0(%u: f32, %m: f32, %v: f32, %g: f32, %c: f32, %o: f32):
      %d = arith.subf %u, %m : f32
      %e = arith.addf %v, %epsilon : f32
      %r = math.rsqrt %e : f32
      %s = arith.mulf %d, %r : f32
      %t = arith.mulf %s, %g : f32
      %y = arith.addf %t, %c : f32
      linalg.yield %y : f32
    } -> tensor<?x256xf32>
    ```

    becomes

    ```mlir
    %n = attn.layer_norm %x, %w, %b outs(%n0) : …
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def RaiseLinear : Pass<"attn-raise-linear", "::mlir::func::FuncOp"> {
  let summary = "recognises linear layers written in upstream operations";
  let description = [{
    Replaces a matrix product by a weight, and what of bias, activation and
    residual follows it, by one `attn.linear`. Elements and axes are followed as
    by `attn-raise-attention`: the operand that gives the last dimensions of the
    result, and shares no other with it, is the weight; the other may have any
    number of dimensions. A weight that is repeated for a batch is read from
    before that. The product may start from a bias or a residual.

    Activations: max(x, 0), by `maximumf`, `maxnumf` or a select; x·(1 +
    erf(x/√2))/2, also by `erfc`; x/(1 + exp(-x)), also as a product with the
    sigmoid; x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, also with x³ as a power or
    with x taken out of the sum. Others stay behind the `attn.linear`.

    Conversions between f32, f16 and bf16 are passed over: what is computed in
    f32 then is more precise than what was written. Operands that were widened
    before the product are taken as they were, as their products are exact.

    Sizes may be dynamic, those of the weight too. Limits: a product stays as it
    is if both operands have batch dimensions, or if it is of another type; where
    the sum is of dynamic length, a residual that follows an activation stays
    behind the `attn.linear`. Run it after `attn-raise-attention`, whose products
    it would take.

    ```mlir
    %m = linalg.matmul ins(%x, %w : tensor<?x512xf32>, tensor<512x2048xf32>) outs(%zero : …) -> tensor<?x2048xf32>
    %y = linalg.generic … ins(%m, %b : tensor<?x2048xf32>, tensor<2048xf32>) … {
    ^bb0(%u: f32, %v: f32, %o: f32):
      %s = arith.addf %u, %v : f32
      %r = arith.maximumf %s, %c0 : f32
      linalg.yield %r : f32
    } -> tensor<?x2048xf32>
    ```

    becomes

    ```mlir
    %y = attn.linear %x, %w bias(%b) activation relu outs(%y0) {transposed} : …
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

#endif // ATTN_TRANSFORMS_RAISINGPASSES_TD
