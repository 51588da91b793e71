// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a decoder of whole sentences to the functions that a search calls.

#ifndef ATTN_TRANSFORMS_DECODINGPASSES_TD
#define ATTN_TRANSFORMS_DECODINGPASSES_TD

include "mlir/Pass/PassBase.td"

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
    error that names the operation. Sizes, as of destinations, are taken anew
    from the arguments.

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
    row in each block and group of blocks; `decode_greatest` has that of an
    `attn.greatest`. So a search decides what it needs, and of which rows.

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
    func.func @decode_logits(%rows: tensor<?x256xf32>) -> (tensor<126x?x64xf32>, tensor<142x?xf32>, tensor<142x?xf32>) {
      …
      %v, %m, %s = attn.logits %rows, %w bias(%b) columns 8001 outs(…) : …
      return %v, %m, %s : tensor<126x?x64xf32>, tensor<142x?xf32>, tensor<142x?xf32>
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
    Each `attn.greatest` of a weight of f32 or bf16 that is an `attn.get_weight`, as
    is its bias, if there is one, gets an estimate: the same weight in i8, its
    scales, and for the bounds the lengths of its rows and of what rounding them
    takes away. The result stays; what is computed of the weight itself becomes a
    few columns, where their products are not all alike.

    An estimate takes a byte for each number of the weight. Sinusoidal and packed
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
    attn.weight @weight.norms norms from ["fc.weight"] : tensor<251xf32>
    attn.weight @weight.errors errors from ["fc.weight"] : tensor<251xf32>
    …
    %t = attn.greatest %x, %w estimate(%i, %s, %n, %r) columns 8001 outs(%e) : …
    ```
  }];
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

#endif // ATTN_TRANSFORMS_DECODINGPASSES_TD
