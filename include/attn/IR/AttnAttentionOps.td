// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The cores that attention is made of: fused, and in its parts.

#ifndef ATTN_IR_ATTNATTENTIONOPS_TD
#define ATTN_IR_ATTNATTENTIONOPS_TD

include "attn/IR/AttnOpBase.td"

// How many keys on one side of a query it may attend to; all without it.
defvar Attn_Window =
    OptionalAttr<ConfinedAttr<I64Attr, [IntNonNegative]>>;

def Attn_ScoresOp : Attn_CoreOp<"scores"> {
  let summary = "builds the matrix of attention scores";
  let description = [{
    `query` [B, S, H·E], `key` [B, M, G·E], `lengths` [B], `out` [B, H, S, M],
    for H = `heads`, which G divides:

      out[b, h, i, j] = scale · query[b, i, h, :]·key[b, j, ⌊h·G/H⌋, :]

    and -∞ where j ≥ lengths[b] or, with `causal`, j > i, or outside of the
    window: with `window_before` j < i - window_before, with `window_after`
    j > i + window_after.

    ```mlir
    %r = attn.scores %q, %k lengths(%n) outs(%out) {heads = 4 : i64, scale = 1.250000e-01 : f64}
       : (tensor<?x?x256xf32>, tensor<?x?x256xf32>, tensor<?xi32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$query, Attn_FloatShaped:$key,
                       Optional<Attn_IntShaped>:$lengths,
                       Attn_FloatShaped:$out,
                       ConfinedAttr<I64Attr, [IntPositive]>:$heads,
                       F64Attr:$scale, UnitAttr:$causal, Attn_Window:$window_before,
                       Attn_Window:$window_after);
  let assemblyFormat = [{
    $query `,` $key (`lengths` `(` $lengths^ `)`)? `outs` `(` $out `)`
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination;
}

def Attn_SoftmaxOp : Attn_CoreOp<"softmax"> {
  let summary = "turns each row into a probability distribution";
  let description = [{
    `input` and `out` [..., M]:

      out[..., j] = exp(input[..., j] - max) / Σ exp(input[..., :] - max)

    A row that is -∞ throughout gives 0; a NaN spreads over its row.

    ```mlir
    %r = attn.softmax %s outs(%out)
       : (tensor<?x4x?x?xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$input, Attn_FloatShaped:$out);
  let assemblyFormat = [{
    $input `outs` `(` $out `)` attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination;
}

def Attn_WeightedSumOp : Attn_CoreOp<"weighted_sum"> {
  let summary = "sums values weighted by attention probabilities";
  let description = [{
    `probabilities` [B, H, S, M], `value` [B, M, G·E], `out` [B, S, H·E], where
    G divides H:

      out[b, i, h, :] = Σⱼ probabilities[b, h, i, j] · value[b, j, ⌊h·G/H⌋, :]

    ```mlir
    %r = attn.weighted_sum %p, %v outs(%out)
       : (tensor<?x4x?x?xf32>, tensor<?x?x256xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$probabilities, Attn_FloatShaped:$value,
                       Attn_FloatShaped:$out);
  let assemblyFormat = [{
    $probabilities `,` $value `outs` `(` $out `)` attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination;
}

def Attn_SdpaOp : Attn_CoreOp<"sdpa", [AttrSizedOperandSegments]> {
  let summary = "computes scaled dot-product attention without the score matrix";
  let description = [{
    `query` [B, S, H·E], `key` [C, M, G·E], `value` [C, M, G·F], `out`
    [B, S, H·F], for H = `heads`:

      out[b, i, h, :] = Σⱼ softmaxⱼ(cap(scale · query[b, i, h, :]·key[c, j, g, :]) + mask[b, h, i, j]) · value[c, j, g, :]

    computed by online softmax over blocks of keys (Milakov and Gimelshein,
    2018; Dao et al., 2022), so that scores exist only as a tile. Or heads have
    a dimension of their own: `query` [B, H, S, E], `key` [C, G, M, E], `value`
    [C, G, M, F], `out` [B, H, S, F], without `heads`.

    - Keys and values have as many heads as queries, G = H and g = h, or fewer:
      G divides H, and each serves H/G heads of queries that follow each other,
      g = ⌊h·G/H⌋ (multi-query heads, Shazeer, 2019; grouped ones, Ainslie et
      al., 2023). Of two dimensions of heads that differ, both are static.
    - Without `rows`, C = B and c = b. `rows` [B] says which entry c of the keys
      and values each batch entry reads (beams that share a sentence); `rows`
      [B, T] says it for each position j < T (a history that is spread over
      cache rows), goes without `lengths`, and keys from T on are attended by
      none. A row outside 0..C-1 is read at the nearest one.
    - `query_offsets` [B+1], `key_offsets` [C+1]: entries of unequal length, in a
      ragged batch without padding. They follow each other in `query` and `out`
      [1, ΣS, H·E], or in `key` and `value` [1, ΣM, G·E]: entry b begins at
      query_offsets[b] and ends before query_offsets[b+1], and i and j count
      from where an entry begins. The work is that of the tokens, and threads
      share it whatever the lengths are. `mask` and the softmax are [1, H, ΣS,
      ΣM] then, by the places in the operands. Offsets outside of the operand
      are taken as its ends; what `out` has for a query of no entry is
      undefined. `rows` go along if they are of rank 1.
    - `lengths` [C]: keys at j ≥ lengths[c] are attended by none, and nothing
      of them is read.
    - Query i stands at p = positions[b] + i among the keys, where `positions`
      [B] is how many keys came before the queries, and 0 without it: queries
      and keys are aligned at the first (top left, as in PyTorch). What aligns
      them at the last (bottom right, as in ONNX) is positions[b] = M - S, or
      lengths[c] - S; it may be below 0.
    - `causal`: it attends to keys j ≤ p.
    - With `window_before` to keys j ≥ p - window_before, with `window_after` to
      keys j ≤ p + window_after (sliding windows; Beltagy et al., 2020). What no
      query of a block may attend to is skipped, so that the cost follows the
      window.
    - `mask` [B, H, S, M], of which the first three may be a static 1 instead,
      which counts for all: a number to add to the score, in natural units (-∞
      excludes the key), or i1, where true means that the key may be attended.
      A key that only the mask excludes is read all the same: its value counts
      with weight 0, so that a NaN or an infinity in it spreads.
    - With `softcap`, cap(x) = softcap · tanh(x / softcap) (Gemma Team, 2024),
      before the mask, which so excludes what it did; without it, cap(x) = x.
    - `slopes` [H]: a linear bias (ALiBi; Press et al., 2022), which is computed
      and nowhere stored: slopes[h] · |positions[b] + i - j| is taken off the
      score after the cap. In f32 a score is rounded the more, the larger its
      bias is, next to that of the key among those in the window and the length
      which the slope favours most.
    - `biases` [H, 2R+1]: a bias for each distance (relative positions; Shaw et
      al., 2018; Raffel et al., 2020), which is looked up and nowhere stored for
      each score: biases[h, R + min(max(j - p, -R), R)] is added to the score
      after the cap.
    - `sinks` [H]: a learned score (gpt-oss; OpenAI, 2025) which joins the
      softmax and has no value, so that a query may attend to nothing:
      softmaxⱼ(x) = exp(xⱼ) / (exp(sinks[h]) + Σ exp(x)). It is in natural
      units, and neither scaled nor capped; -∞ is none, and ∞, or from 2.4e38 on,
      takes all the weight, so that the result is 0. (Sinks in another sense,
      first keys that stay visible beside a window, are a matter of the mask.)
    - A query that no key may attend to gives 0, whatever the values; a NaN in
      what is read spreads.
    - A second destination, `shown` [B, H, S, M], receives the softmax; with
      `shown_heads` that of these heads alone, in their order, [B, N, S, M] for
      N of them; with `shown_mean` the mean over them or over all, [B, S, M], of
      f32. It costs to write it, and where there are more than 256 keys, to
      compute the scores of these heads once more.
    - With `shown_stage`, it receives the scores of a stage before the softmax
      instead, in natural units: `scaled` ones or, after the cap, `capped` ones
      of all keys, whether a query may attend to them or not; or `masked` ones,
      with what biases and mask add, and -∞ where a query may not attend. They
      are written as they are computed. There are no `rows` and no offsets then.

    `query`, `key` and `value` are of one element type, or `key` and `value` are
    of bf16 beside a `query` of f32 (a cache of half the bytes); the destinations
    and a mask of numbers have that of `query` too, or f32. Scores, their softmax
    and sums are in f32.

    ```mlir
    %r = attn.sdpa %q, %k, %v lengths(%n) outs(%out) {heads = 4 : i64, scale = 1.250000e-01 : f64}
       : (tensor<?x?x256xf32>, tensor<?x?x256xf32>, tensor<?x?x256xf32>, tensor<?xi32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    %s = attn.sdpa %q4, %k4, %v4 mask(%m) outs(%o4) {causal, scale = 1.250000e-01 : f64}
       : (tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x?x?x64xf32>, tensor<?x1x1x?xi1>, tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32>
    %t = attn.sdpa %q, %k, %v lengths(%n) slopes(%a) outs(%out) {causal, heads = 4 : i64, scale = 1.250000e-01 : f64, window_before = 255 : i64}
       : (tensor<?x?x256xf32>, tensor<?x?x256xf32>, tensor<?x?x256xf32>, tensor<?xi32>, tensor<4xf32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    %u = attn.sdpa %q1, %k1, %k1 query_offsets(%qo) key_offsets(%ko) outs(%o1) {heads = 4 : i64, scale = 1.250000e-01 : f64}
       : (tensor<1x?x256xf32>, tensor<1x?x128xf32>, tensor<1x?x128xf32>, tensor<?xi32>, tensor<?xi32>, tensor<1x?x256xf32>) -> tensor<1x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$query, Attn_FloatShaped:$key,
                       Attn_FloatShaped:$value,
                       Optional<Attn_MaskShaped>:$mask,
                       Optional<Attn_IntShaped>:$lengths,
                       Optional<Attn_IntShaped>:$positions,
                       Optional<Attn_IntShaped>:$rows,
                       Optional<Attn_FloatShaped>:$slopes,
                       Optional<Attn_FloatShaped>:$biases,
                       Optional<Attn_FloatShaped>:$sinks,
                       Optional<Attn_IntShaped>:$query_offsets,
                       Optional<Attn_IntShaped>:$key_offsets,
                       Variadic<Attn_FloatShaped>:$outs,
                       DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive]>,
                                         "1">:$heads,
                       F64Attr:$scale, UnitAttr:$causal, Attn_Window:$window_before,
                       Attn_Window:$window_after,
                       OptionalAttr<F64Attr>:$softcap,
                       OptionalAttr<DenseI64ArrayAttr>:$shown_heads,
                       UnitAttr:$shown_mean,
                       OptionalAttr<Attn_ScoreStageAttr>:$shown_stage);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` `(` $mask^ `)`)?
    (`lengths` `(` $lengths^ `)`)? (`positions` `(` $positions^ `)`)?
    (`rows` `(` $rows^ `)`)? (`slopes` `(` $slopes^ `)`)?
    (`biases` `(` $biases^ `)`)? (`sinks` `(` $sinks^ `)`)?
    (`query_offsets` `(` $query_offsets^ `)`)?
    (`key_offsets` `(` $key_offsets^ `)`)?
    `outs` `(` $outs `)` attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getOutsMutable();
    }
    /// Whether heads have a dimension of their own: operands are [B, H, S, E].
    bool hasHeadDim() { return getQuery().getType().getRank() == 4; }
    /// The second destination, if there is one: for probabilities, or with
    /// `shown_stage` for scores.
    ::mlir::Value getShown() {
      return getOuts().size() == 2 ? getOuts()[1] : ::mlir::Value();
    }
    /// G; dynamic where the dimension of heads is.
    int64_t getKeyHeads();
    /// H/G, how many heads share keys and values: 1 unless known to be more.
    int64_t getGroupSize();
    /// Whether a query attends to no keys far before it, or none far after it.
    bool isBoundBefore() { return getWindowBefore().has_value(); }
    bool isBoundAfter() { return getCausal() || getWindowAfter(); }
    /// Whether which keys a query attends to depends on where it stands.
    bool isBanded() { return isBoundBefore() || isBoundAfter(); }
    /// Whether anything is done to scores between scaling and softmax.
    bool changesScores() {
      return getMask() || getSoftcap() || dependsOnDistance();
    }
    /// Whether a bias is added that depends on where a query stands.
    bool dependsOnDistance() { return getSlopes() || getBiases(); }
  }];
  let hasCanonicalizeMethod = 1;
}

def Attn_CacheAppendOp : Attn_CoreOp<"cache_append"> {
  let summary = "writes new rows into a cache, in place";
  let description = [{
    `input` [B, S, D], `positions` [B], `rows` [B, R], `out` [C, T, D]:

      out[rows[b, t], t, :] = input[b, s, :] where t = positions[b] + s

    and nothing else of `out` changes. Without `rows`, row b is written. A row or
    a position outside the cache, or outside `rows`, writes nothing. No two
    inputs may have the same place. `out` has the element type of `input`, or is
    of bf16 beside an `input` of f32: to the nearest, ties to even, and numbers
    below the smallest normal f32 may become 0.

    ```mlir
    %r = attn.cache_append %k at %positions rows(%rows) outs(%cache)
       : (tensor<?x?x256xf32>, tensor<?xi32>, tensor<?x?xi32>, tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_FloatShaped:$input, Attn_IntShaped:$positions,
                       Optional<Attn_IntShaped>:$rows, Attn_FloatShaped:$out);
  let assemblyFormat = [{
    $input `at` $positions (`rows` `(` $rows^ `)`)? `outs` `(` $out `)` attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = Attn_OneDestination;
}

#endif // ATTN_IR_ATTNATTENTIONOPS_TD
