// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes from attn to attn.

#ifndef ATTN_TRANSFORMS_PASSES_TD
#define ATTN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

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
    - Scale: constants that multiply or divide scores, queries or keys.
    - Cap: tanh of scores before the masks, between constants that multiply.
    - Softmax: `linalg.softmax`, or exp(x - max x) / Σ exp(x - max x), with a
      division, a multiplication by the inverse, or a division of the result.
      Where a query has no key, by its scores or by the largest number of its
      mask, or where the softmax is not a number, probabilities may be replaced
      by 0; numbers that are none by another reason are passed on. Probabilities
      that are used elsewhere too become the second result.
    - Sinks: scores and one more column have a softmax together, of which the
      probabilities of the column are left out; or exp(sink - max) is added to
      the sum. Where there is one for each head, they become `sinks`.
    - Masks that are added, and selects between scores and a constant of at most
      -10⁴; several become one. Where conditions compare indices, or a constant
      keeps keys by their distance from the query, they become `causal`, windows,
      `positions` if queries do not stand at their own index, or `lengths`.
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
                           "::mlir::tensor::TensorDialect"];
}

def RaiseLayerNorm : Pass<"attn-raise-layer-norm", "::mlir::func::FuncOp"> {
  let summary = "recognises layer normalisation written in upstream operations";
  let description = [{
    Replaces (x - mean x) / √(variance x + ε) · w + b, over the last dimension, by
    one `attn.layer_norm` (Ba et al., 2016, "Layer Normalization"). Elements and
    axes are followed as by `attn-raise-attention`. Starting from each sum, which
    may be that of the squares, tensors that are computed from it are tried as
    the result, the last first.

    A mean is a sum that is divided by the size, or multiplied by its reciprocal;
    a square a product or a power; the root divides, or its reciprocal
    multiplies. The mean and the deviation may be used elsewhere too, and are
    computed for that as they were.

    Limits: a normalisation stays as it is if its width is dynamic, if w or b is
    missing or is not a vector, if more than one dimension is normalised, or if it
    is not of f32.

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
    sigmoid. Others, such as GELU by tanh, stay behind the `attn.linear`.

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

def DecomposeLayers : Pass<"attn-decompose-layers", "::mlir::func::FuncOp"> {
  let summary = "rewrites layers as cores";
  let description = [{
    Replaces each layer (`attn.embedding`, `attn.self_attention`,
    `attn.cross_attention`, `attn.feed_forward`, `attn.normalize`,
    `attn.project`) by the cores that compute it. Attention becomes
    `attn.scores`, `attn.softmax` and `attn.weighted_sum`: nothing is fused yet.
    `attn.distance_biases` becomes a look-up in its table, whose places are known.

    ```mlir
    %y = attn.project %x weights @output
       : (tensor<?x?x256xf32>) -> tensor<?x?x8001xf32>
    ```

    becomes

    ```mlir
    %w = attn.get_weight @output::@weight : tensor<8001x256xf32>
    %out = tensor.empty(%batch, %length) : tensor<?x?x8001xf32>
    %y = attn.linear %x, %w outs(%out)
       : (tensor<?x?x256xf32>, tensor<8001x256xf32>, tensor<?x?x8001xf32>) -> tensor<?x?x8001xf32>
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseAttention : Pass<"attn-fuse-attention", "::mlir::func::FuncOp"> {
  let summary = "fuses softmax and the two matrix products around it";
  let description = [{
    Replaces `attn.scores`, the `attn.softmax` of it and the `attn.weighted_sum`
    of that by one `attn.sdpa`, whose lowering never builds the score matrix.
    Where the softmax is used elsewhere too, after the sum, it becomes the second
    result of the `attn.sdpa`; where it is used before the sum, nothing is fused.
    Scores that are used elsewhere stay.

    ```mlir
    %s = attn.scores %q, %k outs(%s0) {heads = 4 : i64, scale = 0.125 : f64} : …
    %p = attn.softmax %s outs(%p0) : …
    %y = attn.weighted_sum %p, %v outs(%y0) : …
    ```

    becomes

    ```mlir
    %y = attn.sdpa %q, %k, %v outs(%y0) {heads = 4 : i64, scale = 0.125 : f64} : …
    ```
  }];
}

def FuseFeedForward : Pass<"attn-fuse-feed-forward", "::mlir::func::FuncOp"> {
  let summary = "fuses the two matrix products of a feed-forward";
  let description = [{
    An `attn.linear` with an activation and without a residual, whose result is
    the input of another `attn.linear` without an activation and of nothing
    else, becomes one `attn.mlp` with that. The first result has to be of the type
    of the input, the second of that or of f32. Weights may be packed or not.

    ```mlir
    %h = attn.linear %x, %w1 bias(%b1) activation gelu outs(%h0) : …
    %y = attn.linear %h, %w2 bias(%b2) residual(%x) outs(%y0) : …
    ```

    becomes

    ```mlir
    %y = attn.mlp %x, %w1 bias(%b1) activation gelu, %w2 bias(%b2) residual(%x) outs(%y0) : …
    ```
  }];
}

def FuseProjections : Pass<"attn-fuse-projections", "::mlir::ModuleOp"> {
  let summary = "computes projections of one input in one matrix product";
  let description = [{
    `attn.linear` operations of one block that read the same input, with weights
    that are `attn.get_weight` of one group and no residual or activation (Q, K
    and V of self-attention; K and V of cross-attention), become one
    `attn.linear` on the concatenated weights, whose result is cut into slices.
    The concatenated weight is a new `attn.weight` of the group with the sources
    of all, in the order of the operations; weights that are used no more go.

    Limits: all of them have a bias of the group or none has; sinusoidal and
    packed weights are left alone.

    ```mlir
    %q = attn.linear %x, %wq outs(%q0) : …
    %k = attn.linear %x, %wk outs(%k0) : …
    ```

    becomes

    ```mlir
    %qk = attn.linear %x, %wqk outs(%qk0) : …
    %q = tensor.extract_slice %qk[0, 0, 0] [%b, %s, 256] [1, 1, 1] : …
    %k = tensor.extract_slice %qk[0, 0, 256] [%b, %s, 256] [1, 1, 1] : …
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::tensor::TensorDialect"];
}

def IncrementalDecoding
    : Pass<"attn-incremental-decoding", "::mlir::ModuleOp"> {
  let summary = "derives a step with caches from a whole-sentence decoder";
  let description = [{
    From a function (`decode`) that computes all positions of a causal decoder,
    derives two:

    - `decode_prepare` computes what does not depend on the token ids: the keys
      and values of cross-attention. It runs once for each batch of sentences.
    - `decode_step` computes new positions only. The keys and values of each
      causal `attn.sdpa` are appended to caches, which the `attn.sdpa` then
      reads; those of cross-attention come from `decode_prepare`.

    Algorithm: values are divided into those that depend on the argument with
    the role "ids" (of type tensor<?x?xi32>), those that depend on other
    arguments only, and those that depend on none, which each function computes
    for itself. Of the operations that depend on the ids, each must treat
    positions alone (`attn.lookup`, which gets the positions as offsets,
    `attn.linear`, `attn.layer_norm`, `attn.softmax` of the width, slices of the
    width, elementwise arithmetic) or be an `attn.sdpa`: one whose keys and
    values depend on the ids is causal and gets caches; one whose keys and
    values do not reads them at `rows`, and they become results of the first
    function and arguments of the second (where they are slices of the width of
    one tensor, that tensor). Windows, `slopes` and `biases` count from the
    positions; these two and `sinks` depend on no argument. Anything else is an
    error that names the operation. Sizes, as of destinations, are taken anew from the arguments.

    Arguments of the step, by their `attn.role`, in this order:

    | role | type | what |
    | --- | --- | --- |
    | "ids" | tensor [rows, n] | new tokens |
    | "positions" | tensor [rows] | tokens that a row has in the caches |
    | "cache_rows" | tensor [rows, T] | cache row that holds position t of a row; T ≥ positions + n |
    | "memory_rows" | tensor [rows] | entry of the prepared values; if there are any |
    | "memory_lengths" | tensor [batch] | as for the decoder, if it has them |
    | "cross", each | tensor [batch, …] | results of `decode_prepare`, in order |
    | "cache", each | memref [C, ≥ positions + n, width] | updated in place |

    The step writes what is new of row r at `cache[cache_rows[r, t], t]` for t
    from `positions[r]` on; no other row may read or write there in the same
    step. So rows of a beam are reordered, and rows come and go, by indices
    alone. With `cache-type=bf16`, keys and values of f32 are rounded to bf16 as
    they are appended and where `decode_prepare` gives them; all else stays f32.

    The function `F` that it starts from stays; those derived are `F_prepare`,
    if anything is prepared, and `F_step`. Runs after `attn-fuse-attention`.

    ```mlir
    %y = attn.sdpa %q, %k, %v outs(%o) {causal, heads = 4 : i64, scale = 0.125 : f64} : …
    ```

    becomes, for each key and value,

    ```mlir
    %c = bufferization.to_tensor %cache restrict writable : …
    %keys = attn.cache_append %k at %positions rows(%cache_rows) outs(%c) : …
    bufferization.materialize_in_destination %keys in writable %cache : …
    ```

    and

    ```mlir
    %y = attn.sdpa %q, %keys, %values positions(%positions) rows(%cache_rows) outs(%o) {causal, heads = 4 : i64, scale = 0.125 : f64} : …
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::bufferization::BufferizationDialect",
                           "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"function", "function", "std::string", /*default=*/"\"decode\"",
           "The whole-sentence decoder">,
    Option<"cacheType", "cache-type", "std::string", /*default=*/"\"f32\"",
           "How keys and values of f32 are stored: as f32 or bf16">
  ];
}

def OutlineLogits : Pass<"attn-outline-logits", "::mlir::ModuleOp"> {
  let summary = "makes functions of what a search does with the logits of a step";
  let description = [{
    A function that returns an `attn.linear`, its logits [B, S, N] of f32, returns
    the rows that it multiplies instead, [B·S, K]. Two new functions of such rows
    go on from there: `decode_logits` has the three results of an `attn.logits`,
    values [⌈N/W⌉, B·S, W], and the maximum and the sum of exponentials of each
    row in each block; `decode_greatest` has that of an `attn.greatest`. So a
    search decides what it needs, and of which rows.

    Results after the linear stay. A function whose first result is something
    else, or whose linear has a residual, an activation, a transposed weight or
    operands that are no `attn.get_weight`, is an error. Nothing may call it. Runs
    after `attn-incremental-decoding`.

    ```mlir
    func.func @decode_step(…) -> tensor<?x?x8001xf32> {
      …
      %y = attn.linear %x, %w bias(%b) outs(%e) : … -> tensor<?x?x8001xf32>
      return %y : tensor<?x?x8001xf32>
    }
    ```

    becomes

    ```mlir
    func.func @decode_step(…) -> tensor<?x256xf32> {
      …
      %rows = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x?x256xf32> into tensor<?x256xf32>
      return %rows : tensor<?x256xf32>
    }
    func.func @decode_logits(%rows: tensor<?x256xf32>) -> (tensor<126x?x64xf32>, tensor<126x?xf32>, tensor<126x?xf32>) {
      …
      %v, %m, %s = attn.logits %rows, %w bias(%b) columns 8001 outs(…) : …
      return %v, %m, %s : tensor<126x?x64xf32>, tensor<126x?xf32>, tensor<126x?xf32>
    }
    func.func @decode_greatest(%rows: tensor<?x256xf32>) -> tensor<?xi32> {
      …
      %t = attn.greatest %rows, %w bias(%b) columns 8001 outs(…) : …
      return %t : tensor<?xi32>
    }
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::tensor::TensorDialect"];
  let options = [
    Option<"function", "function", "std::string", /*default=*/"\"decode_step\"",
           "The function that returns logits">,
    Option<"width", "width", "int64_t", /*default=*/"64",
           "Columns of a block">
  ];
}

def EstimateGreatest : Pass<"attn-estimate-greatest", "::mlir::ModuleOp"> {
  let summary = "lets integers tell which columns may have the greatest product";
  let description = [{
    Each `attn.greatest` of a weight of f32 that is an `attn.get_weight`, as is its
    bias, if there is one, gets an estimate: the same weight in i8, its scales, and
    for the bounds the lengths of its rows and of what rounding them takes away.
    The result stays; what is computed in f32 becomes a few columns, where their
    products are not all alike.

    It pays where the module's `attn.target` multiplies i8 faster than f32 (AMX,
    AVX512-VNNI, AVX-VNNI); for others, nothing is done, unless with `always`. An
    estimate takes a quarter of the memory of the weight. Sinusoidal and packed
    weights are left alone, so this comes before `attn-pack-weights`.

    ```mlir
    attn.weight @weight from ["fc.weight"] : tensor<8001x256xf32>
    %w = attn.get_weight @output::@weight : tensor<8001x256xf32>
    %t = attn.greatest %x, %w columns 8001 outs(%e) : …
    ```

    becomes

    ```mlir
    attn.weight @weight from ["fc.weight"] : tensor<8001x256xf32>
    attn.weight @weight.i8 from ["fc.weight"] : tensor<8001x256xi8>
    attn.weight @weight.scales scales from ["fc.weight"] : tensor<8001xf32>
    attn.weight @weight.norms norms from ["fc.weight"] : tensor<8001xf32>
    attn.weight @weight.errors errors from ["fc.weight"] : tensor<8001xf32>
    …
    %t = attn.greatest %x, %w estimate(%i, %s, %n, %r) columns 8001 outs(%e) : …
    ```
  }];
  let options = [
    Option<"always", "always", "bool", /*default=*/"false",
           "Whatever the target is">
  ];
}

def ReturnAttention : Pass<"attn-return-attention", "::mlir::ModuleOp"> {
  let summary = "makes a function return its attention probabilities too";
  let description = [{
    Adds a result to the function for each `attn.cross_attention` in its body, or
    with `kind=self` for each `attn.self_attention`, in their order: its softmax,
    [B, H, S, M]. Nothing may call the function. With `layers`, only those do that
    are named by their number in this order, from 0 on, and the others cost
    nothing.

    ```mlir
    %y = attn.cross_attention %x, %m weights @c heads 4 : (…) -> tensor<?x?x256xf32>
    ```

    becomes

    ```mlir
    %y, %p = attn.cross_attention %x, %m weights @c heads 4 : (…) -> (tensor<?x?x256xf32>, tensor<?x4x?x?xf32>)
    ```
  }];
  let options = [
    Option<"function", "function", "std::string", /*default=*/"\"decode\"",
           "The function to change">,
    Option<"kind", "kind", "std::string", /*default=*/"\"cross\"",
           "Which attention: cross or self">,
    ListOption<"layers", "layers", "int64_t",
               "The numbers of the layers, from 0 on; all if there are none">
  ];
}

def QuantizeWeights : Pass<"attn-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "stores the weights of matrix products in fewer bits";
  let description = [{
    Each `attn.linear`, `attn.logits` and `attn.mlp` with an input of f32 and a
    weight that is an `attn.get_weight` of f32 reads one of the element type
    `type` instead, bf16 or i8: a new `attn.weight` of the same sources, and for
    i8 another one of its scales. Weights that are used no more go. Activations,
    biases and all other operations stay as they are, so the results are of f32,
    with the rounding of the factors (`attn.linear`). Half of the bytes are read,
    or a quarter, and a target that multiplies such numbers does that. For i8 the
    table of an `attn.lookup` changes too, whatever floats it is of: so it can be
    the output's weight as well, and there once.

    Limits: sinusoidal and packed weights are left alone, so this comes before
    `attn-pack-weights`; for i8 transposed weights are, and `attn.mlp`, so this
    comes before `attn-fuse-feed-forward`.

    ```mlir
    attn.weight @weight from ["fc.weight"] : tensor<1000x256xf32>
    %w = attn.get_weight @output::@weight : tensor<1000x256xf32>
    %y = attn.linear %x, %w outs(%o) : …
    ```

    becomes

    ```mlir
    attn.weight @weight.bf16 from ["fc.weight"] : tensor<1000x256xbf16>
    %w = attn.get_weight @output::@weight.bf16 : tensor<1000x256xbf16>
    %y = attn.linear %x, %w outs(%o) : …
    ```
  }];
  let options = [
    Option<"type", "type", "std::string", /*default=*/"\"bf16\"",
           "The element type of weights: bf16 or i8">
  ];
}

def PackWeights : Pass<"attn-pack-weights", "::mlir::ModuleOp"> {
  let summary = "stores the weights of matrix products in panels";
  let description = [{
    For each `attn.linear` whose weight is an `attn.get_weight`, makes the
    weight (and bias) one in panels, so that the innermost loop reads memory in
    order. Panels are as wide as two vector registers of the module's
    `attn.target`, or as the option `panel` says; a matrix of bf16 is in tiles
    for a target that multiplies bf16, one of i8 is in `panel 32 by 4` for
    every target, as a table of i8 is, and their scales are packed as a bias is. A weight that a transposed operand
    reads is transposed as it is stored. A weight that is also used
    otherwise (an embedding table that is the output projection too) gets a
    second symbol. Sinusoidal weights are left alone, as is a product whose bias
    is no `attn.get_weight`, and, in tiles, an `attn.mlp` whose hidden width is no
    multiple of their depth.

    ```mlir
    attn.weight @weight from ["fc.weight"] : tensor<1000x256xf32>
    %w = attn.get_weight @output::@weight : tensor<1000x256xf32>
    ```

    becomes, for AVX-512,

    ```mlir
    attn.weight @weight from ["fc.weight"] panel 32 : tensor<1000x256xf32>
    %w = attn.get_weight @output::@weight : tensor<32x256x32xf32>
    ```
  }];
  let options = [
    Option<"panel", "panel", "int64_t", /*default=*/"0",
           "Width of panels; 0 takes the target's">
  ];
}

def ReuseBuffers : Pass<"attn-reuse-buffers", "::mlir::func::FuncOp"> {
  let summary = "lets allocations of the same shape share memory";
  let description = [{
    In the entry block of a function, moves every `memref.alloc` whose sizes
    allow it to the top, and replaces an allocation by an earlier one of the
    same type and the same size operands whose last use comes before its first.
    Uses through views count. Buffers that are returned, or whose address
    escapes into another memref value in a way that is not known, are left
    alone. Runs after bufferization, before deallocation.
  }];
}

def OutlineRepeats : Pass<"attn-outline-repeats", "::mlir::ModuleOp"> {
  let summary = "makes repeated layers calls of one function";
  let description = [{
    In the entry block of a function, looks for a sequence of operations that
    repeats at once (layer after layer), equal but for the values that it takes
    from outside, weights among them, and replaces each repetition by a call of
    one private function. So compile time follows the number of distinct layers,
    not their number.

    Algorithm: operations hash by name, attributes and types; for each start the
    shortest period whose repetition covers the most operations is taken, if the
    repetitions use their own values in the same way. Works on memrefs, after
    bufferization, where operations have no results that leave the sequence;
    allocations, views of them, weights and constants are moved to the top of
    the block first, and are values from outside.
  }];
}

#endif // ATTN_TRANSFORMS_PASSES_TD
