// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Level 2: cores, as a compiler thinks of a network. All of them write into a
// destination, on tensors and, after bufferization, on memrefs.

#ifndef ATTN_IR_ATTNCOREOPS_TD
#define ATTN_IR_ATTNCOREOPS_TD

include "attn/IR/AttnOpBase.td"

def Attn_LookupOp : Attn_CoreOp<"lookup", [AttrSizedOperandSegments]> {
  let summary = "gathers rows of an embedding table";
  let description = [{
    `ids` [B, S], `table` [V, D], `positions` [P, D], `offsets` [B], `out`
    [B, S, D]:

      out[b, s, :] = scale · table[ids[b, s], :] + positions[s + offsets[b], :]

    Rows outside the table or the positions are read at the nearest row; without
    any row, the result is 0.

    A table of i8 goes with `scales` [V] of f32, and row v of it stands for
    scales[v] · table[v, :]. A table that is the weight of a product too may be
    packed as that is (`attn.linear`): in panels if it is of floats, in tiles if
    of i8, with the scales padded. It has `rows` rows then, the others are padding.

    ```mlir
    %r = attn.lookup %ids, %table positions(%p) outs(%out) {scale = 1.600000e+01 : f64}
       : (tensor<?x?xi32>, tensor<8001x256xf16>, tensor<512x256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_IntShaped:$ids, Attn_WeightShaped:$table,
                       Optional<Attn_FloatShaped>:$scales,
                       Optional<Attn_FloatShaped>:$positions,
                       Optional<Attn_IntShaped>:$offsets,
                       Attn_FloatShaped:$out,
                       DefaultValuedAttr<F64Attr, "1.0">:$scale,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>:$rows);
  let assemblyFormat = [{
    $ids `,` $table (`scales` `(` $scales^ `)`)?
    (`positions` `(` $positions^ `)`)? (`offsets` `(` $offsets^ `)`)? `outs` `(` $out `)` attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination # [{
    /// Whether the table is in panels or in tiles.
    bool isPacked() { return getTable().getType().getRank() > 2; }
  }];
}

def Attn_LinearOp : Attn_CoreOp<"linear", [AttrSizedOperandSegments]> {
  let summary = "multiplies by a weight matrix, with an epilogue";
  let description = [{
    `input` [..., K], `weight` [N, K], `bias` [N], `residual` and `out` [..., N]:

      out = activation(input · weightᵀ + bias) + residual

    With `transposed` the weight is [K, N]. A packed weight is [⌈N/P⌉, K, P], or
    in tiles [⌈N/P⌉, ⌈K/16G⌉, P/16, 16, 16G], and a packed bias [⌈N/P⌉·P], padded
    with zeros (`attn.weight`). Each element of
    `out` is summed in f32 in an order that only K decides, so it does not
    depend on the other rows of `input`.

    A weight that is not in panels has the element type of `input`; `bias`,
    `residual` and `out` have it too, or f32; beside an `input` of f32, `out` may
    be of bf16. By a weight of bf16 an `input` of f32 can be multiplied too: its
    elements may be rounded to bf16 before. Products of bf16 by AMX or AVX512-BF16
    are summed in the order of the instruction, which takes numbers below the
    smallest normal f32 for 0.

    K and N may be dynamic, where the weight is neither packed nor of i8. With K
    dynamic, `out` is of f32, and there is no `residual` beside an activation.

    A weight of i8 goes with an `input` of f32 and `scales` [N] of f32, padded as
    the bias is: column n of it stands for scales[n] · weight[n, :]. Each row of
    `input` is rounded to as many steps of its own:

      magnitude = max(maxₖ |input[..., k]|, 2⁻¹⁰⁰)
      step = magnitude / 127
      rounded[..., k] = round(input[..., k] · (127 / magnitude))
      out = activation(Σₖ rounded[..., k] · weight[n, k] · (step · scales[n]) + bias) + residual

    where round is to the nearest, ties to even, and the sum in i32, so exact: K
    is at most 2¹⁷. A row with a NaN or an infinity gives NaN throughout, before
    activation and residual.

    ```mlir
    %r = attn.linear %x, %w bias(%b) residual(%y) outs(%out)
       : (tensor<?x?x1024xf32>, tensor<256x1024xf32>, tensor<256xf32>, tensor<?x?x256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    %q = attn.linear %x, %wi scales(%s) outs(%out)
       : (tensor<?x?x1024xf32>, tensor<256x1024xi8>, tensor<256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$input, Attn_WeightShaped:$weight,
                       Optional<Attn_FloatShaped>:$scales,
                       Optional<Attn_FloatShaped>:$bias,
                       Optional<Attn_FloatShaped>:$residual,
                       Attn_FloatShaped:$out,
                       OptionalAttr<Attn_ActivationAttr>:$activation,
                       UnitAttr:$transposed);
  let assemblyFormat = [{
    $input `,` $weight (`scales` `(` $scales^ `)`)? (`bias` `(` $bias^ `)`)?
    (`residual` `(` $residual^ `)`)? (`activation` `` $activation^)?
    `outs` `(` $out `)` attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination # [{
    /// Whether the weight is in panels.
    bool isPacked() { return getWeight().getType().getRank() > 2; }
    /// Whether K and N are known, as they are unless the weight is computed.
    bool hasStaticWidths();
  }];
  let hasCanonicalizeMethod = 1;
}

def Attn_LogitsOp : Attn_CoreOp<"logits", [AttrSizedOperandSegments]> {
  let summary = "multiplies by a weight matrix, with a summary of blocks";
  let description = [{
    `input` [R, K], `weight`, `scales` and `bias` as those of an `attn.linear` with
    N = `columns`; `values` [B, R, W] with B = ⌈N/W⌉, `maxima` and `sums`
    [B + ⌈B/8⌉, R]; all but the weight of one element type. Where logits =
    input · weightᵀ + bias:

      values[j, r, i] = logits[r, W·j + i]
      maxima[j, r] = maxᵢ values[j, r, i]
      sums[j, r] = Σᵢ exp(values[j, r, i] - maxima[j, r])

    for each block j < B; and B + g is the same for blocks 8·g to 8·g + 7
    together. What `values` has past the last of N columns is undefined and
    counts nowhere. In a block that is -∞ throughout the sum is 0; a NaN or +∞
    makes it NaN, and the maximum undefined.

    This is what a search over tokens needs: log Σ exp follows from the maxima
    and sums of groups, and a few groups, and of these a few blocks, have all
    that can be among the best. Blocks are written one after the other, while
    rows of a matrix as wide as a vocabulary would each begin a new page.

    ```mlir
    %v, %m, %s = attn.logits %x, %w bias(%b) columns 8001 outs(%values, %maxima, %sums)
       : (tensor<?x256xf32>, tensor<8001x256xf32>, tensor<8001xf32>, tensor<126x?x64xf32>, tensor<142x?xf32>, tensor<142x?xf32>) -> (tensor<126x?x64xf32>, tensor<142x?xf32>, tensor<142x?xf32>)
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$input, Attn_WeightShaped:$weight,
                       Optional<Attn_FloatShaped>:$scales,
                       Optional<Attn_FloatShaped>:$bias,
                       Variadic<Attn_FloatShaped>:$outs,
                       ConfinedAttr<I64Attr, [IntPositive]>:$columns);
  let assemblyFormat = [{
    $input `,` $weight (`scales` `(` $scales^ `)`)? (`bias` `(` $bias^ `)`)?
    `columns` $columns
    `outs` `(` $outs `)` attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Blocks of a group.
    static constexpr int64_t kGroupBlocks = 8;
    /// How many maxima, and sums, a row has of so many blocks.
    static int64_t countSummaries(int64_t blocks) {
      return blocks + (blocks + kGroupBlocks - 1) / kGroupBlocks;
    }
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getOutsMutable();
    }
    ::mlir::Value getValues() { return getOuts()[0]; }
    ::mlir::Value getMaxima() { return getOuts()[1]; }
    ::mlir::Value getSums() { return getOuts()[2]; }
    /// Whether the weight is in panels.
    bool isPacked() { return getWeight().getType().getRank() > 2; }
  }];
}

def Attn_GreatestOp : Attn_CoreOp<"greatest", [AttrSizedOperandSegments]> {
  let summary = "multiplies by a weight matrix and finds the greatest of each row";
  let description = [{
    `input` [R, K], `weight`, `scales` and `bias` as those of an `attn.linear` with
    N = `columns`; `out` [R] of i32. Where logits = input · weightᵀ + bias, out[r]
    is the least n with the greatest logits[r, n]; or -1, if one of the row is a
    NaN or +∞, or all are -∞. It is what `attn.logits` has as the greatest, with
    the same rounding.

    A product in integers may show which columns cannot be the greatest, so that
    few are left to compute. `estimate` does not change the result; it is, for a
    weight of f32 or bf16,

      matrix [N, K] of i8, close to the weight;
      scales [N], by which its rows are multiplied;
      norms [⌈N/32⌉], the largest length of 32 rows of the weight;
      errors [⌈N/32⌉], that of what they are more than rows of the matrix;
      the bias, if there is one

    (an `attn.weight` of i8, and its `scales`, `norms` and `errors`, as
    `attn-estimate-greatest` adds them). A row x of the input is rounded to x̂, as
    `attn.linear` says of a weight of i8. Then, by Cauchy and Schwarz, x · w differs
    from the estimate x̂ · ŵ by at most ‖x - x̂‖ · ‖w‖ + ‖x̂‖ · ‖w - ŵ‖, and what
    arithmetic in f32 may add to that. Columns whose upper bound is less than
    another's lower bound are dismissed.

    ```mlir
    %t = attn.greatest %x, %w bias(%b) columns 8001 outs(%tokens)
       : (tensor<?x256xf32>, tensor<8001x256xf32>, tensor<8001xf32>, tensor<?xi32>) -> tensor<?xi32>
    %u = attn.greatest %x, %w bias(%b) estimate(%wi, %s, %n, %e, %b) columns 8001 outs(%tokens)
       : (tensor<?x256xf32>, tensor<8001x256xf32>, tensor<8001xf32>, tensor<8001x256xi8>, tensor<8001xf32>, tensor<251xf32>, tensor<251xf32>, tensor<8001xf32>, tensor<?xi32>) -> tensor<?xi32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$input, Attn_WeightShaped:$weight,
                       Optional<Attn_FloatShaped>:$scales,
                       Optional<Attn_FloatShaped>:$bias,
                       Variadic<Attn_WeightShaped>:$estimate,
                       Attn_IntShaped:$out,
                       ConfinedAttr<I64Attr, [IntPositive]>:$columns);
  let results = (outs Variadic<RankedTensorOf<[I32]>>:$results);
  let assemblyFormat = [{
    $input `,` $weight (`scales` `(` $scales^ `)`)? (`bias` `(` $bias^ `)`)?
    (`estimate` `(` $estimate^ `)`)? `columns` $columns
    `outs` `(` $out `)` attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination # [{
    /// Whether the weight is in panels.
    bool isPacked() { return getWeight().getType().getRank() > 2; }
  }];
}

def Attn_MlpOp : Attn_CoreOp<"mlp", [AttrSizedOperandSegments]> {
  let summary = "multiplies by two weight matrices, with an activation between";
  let description = [{
    `input` [..., K], `hidden_weight` [F, K], `hidden_bias` [F], `weight`
    [N, F], `bias` [N], `residual` and `out` [..., N]:

      hidden = activation(input · hidden_weightᵀ + hidden_bias)
      out = hidden · weightᵀ + bias + residual

    A feed-forward whose hidden activation never leaves the cache. It has the
    element type of `input`; what is said of the operands of `attn.linear`
    holds for these. With `hidden_transposed` the hidden weight is [K, F], with
    `transposed` the other is [F, N]; each may be packed. Where both are in
    tiles, F is a multiple of their depth.

    ```mlir
    %r = attn.mlp %x, %w1 bias(%b1) activation gelu, %w2 bias(%b2) residual(%x) outs(%out)
       : (tensor<?x256xf32>, tensor<1024x256xf32>, tensor<1024xf32>, tensor<256x1024xf32>, tensor<256xf32>, tensor<?x256xf32>, tensor<?x256xf32>) -> tensor<?x256xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$input, Attn_FloatShaped:$hidden_weight,
                       Optional<Attn_FloatShaped>:$hidden_bias,
                       Attn_FloatShaped:$weight,
                       Optional<Attn_FloatShaped>:$bias,
                       Optional<Attn_FloatShaped>:$residual,
                       Attn_FloatShaped:$out,
                       Attn_ActivationAttr:$activation,
                       UnitAttr:$hidden_transposed, UnitAttr:$transposed);
  let assemblyFormat = [{
    $input `,` $hidden_weight (`bias` `(` $hidden_bias^ `)`)?
    `activation` `` $activation `,` $weight (`bias` `(` $bias^ `)`)?
    (`residual` `(` $residual^ `)`)? `outs` `(` $out `)` attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination # [{
    /// Whether the weights are in panels.
    bool isHiddenPacked() { return getHiddenWeight().getType().getRank() > 2; }
    bool isPacked() { return getWeight().getType().getRank() > 2; }
    /// F; dynamic if no weight tells.
    int64_t getHiddenWidth();
  }];
  let hasCanonicalizeMethod = 1;
}

def Attn_LayerNormOp : Attn_CoreOp<"layer_norm"> {
  let summary = "normalises each row";
  let description = [{
    `input` and `out` [..., D], `weight` and `bias` [D]:

      out = (x - mean(x)) / √(variance(x) + epsilon) · weight + bias

    ```mlir
    %r = attn.layer_norm %x, %w, %b outs(%out)
       : (tensor<?x?x256xf32>, tensor<256xf32>, tensor<256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$input, Attn_FloatShaped:$weight,
                       Attn_FloatShaped:$bias, Attn_FloatShaped:$out,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let assemblyFormat = [{
    $input `,` $weight `,` $bias `outs` `(` $out `)` attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination;
}

#endif // ATTN_IR_ATTNCOREOPS_TD
