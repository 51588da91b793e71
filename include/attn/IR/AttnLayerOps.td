// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Level 1: layers, as a person thinks of a network.

#ifndef ATTN_IR_ATTNLAYEROPS_TD
#define ATTN_IR_ATTNLAYEROPS_TD

include "attn/IR/AttnOpBase.td"

class Attn_LayerOp<string mnemonic, list<Trait> traits = []>
    : Attn_Op<mnemonic, !listconcat(traits, [
        Pure,
        DeclareOpInterfaceMethods<SymbolUserOpInterface>,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                  ["reifyResultShapes"]>])>;

def Attn_EmbeddingOp : Attn_LayerOp<"embedding"> {
  let summary = "turns token ids into vectors, with positions added";
  let description = [{
    Weights: `table` [V, D]; optionally `positions` [P, D].

      result[b, s, :] = scale · table[ids[b, s], :] + positions[s, :]

    An id below 0 or above V-1 reads the nearest row of the table, a position
    above P-1 the last row of the positions: whoever passes ids checks them.

    ```mlir
    %x = attn.embedding %ids weights @encoder.embedding scale 1.600000e+01
       : (tensor<?x?xi32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_Ids:$ids, SymbolRefAttr:$weights,
                       DefaultValuedAttr<F64Attr, "1.0">:$scale);
  let results = (outs Attn_Activations:$result);
  let assemblyFormat = [{
    $ids `weights` $weights (`scale` $scale^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Attn_SelfAttentionOp : Attn_LayerOp<"self_attention"> {
  let summary = "lets each position of a sequence attend to the sequence";
  let description = [{
    Weights: `q.weight`, `k.weight`, `v.weight` [H·E, D] for H heads of size E,
    `out.weight` [D, H·E], `norm.weight` and `norm.bias` [D]; biases `q.bias`,
    `k.bias`, `v.bias` [H·E] and `out.bias` [D] may be absent.

      f(x) = out(concat over heads of softmax(q(x)·k(x)ᵀ / √E) · v(x))
      post: result = norm(x + f(x))      pre: result = x + f(norm(x))

    `lengths` [B] says how many positions of each batch entry there are; those
    after it are attended by none. With `causal`, position i attends to
    positions up to i. A second result gives the softmax, [B, H, S, S].

    ```mlir
    %y = attn.self_attention %x lengths(%n) weights @encoder.0.self_attention heads 4
       : (tensor<?x?x256xf32>, tensor<?xi32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_Activations:$input, Optional<Attn_Ids>:$lengths,
                       SymbolRefAttr:$weights,
                       ConfinedAttr<I64Attr, [IntPositive]>:$heads,
                       UnitAttr:$causal,
                       DefaultValuedAttr<Attn_NormPlacementAttr,
                                         "::attn::NormPlacement::Post">:$norm,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let results = (outs Attn_Activations:$result,
                      Optional<Attn_Activations>:$probabilities);
  let assemblyFormat = [{
    $input (`lengths` `(` $lengths^ `)`)? `weights` $weights `heads` $heads
    (`causal` $causal^)? (`norm` `` $norm^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Attn_CrossAttentionOp : Attn_LayerOp<"cross_attention"> {
  let summary = "lets each position of one sequence attend to another sequence";
  let description = [{
    As `attn.self_attention`, with keys and values taken from `memory`
    [B, M, C]: `k.weight` and `v.weight` are [H·E, C].

      f(x) = out(concat over heads of softmax(q(x)·k(memory)ᵀ / √E) · v(memory))

    `lengths` [B] are those of `memory`. A second result gives the softmax,
    [B, H, S, M]: which position of the memory each position attended to.

    ```mlir
    %y = attn.cross_attention %x, %memory lengths(%n) weights @decoder.0.cross_attention heads 4
       : (tensor<?x?x256xf32>, tensor<?x?x256xf32>, tensor<?xi32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_Activations:$input, Attn_Activations:$memory,
                       Optional<Attn_Ids>:$lengths,
                       SymbolRefAttr:$weights,
                       ConfinedAttr<I64Attr, [IntPositive]>:$heads,
                       DefaultValuedAttr<Attn_NormPlacementAttr,
                                         "::attn::NormPlacement::Post">:$norm,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let results = (outs Attn_Activations:$result,
                      Optional<Attn_Activations>:$probabilities);
  let assemblyFormat = [{
    $input `,` $memory (`lengths` `(` $lengths^ `)`)? `weights` $weights
    `heads` $heads (`norm` `` $norm^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def Attn_FeedForwardOp : Attn_LayerOp<"feed_forward"> {
  let summary = "passes each position through two linear maps";
  let description = [{
    Weights: `in.weight` [F, D], `out.weight` [D, F], `norm.weight` and
    `norm.bias` [D]; biases `in.bias` [F] and `out.bias` [D] may be absent.

      f(x) = out(activation(in(x)))
      post: result = norm(x + f(x))      pre: result = x + f(norm(x))

    ```mlir
    %y = attn.feed_forward %x weights @encoder.0.feed_forward activation silu
       : (tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_Activations:$input, SymbolRefAttr:$weights,
                       Attn_ActivationAttr:$activation,
                       DefaultValuedAttr<Attn_NormPlacementAttr,
                                         "::attn::NormPlacement::Post">:$norm,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let results = (outs Attn_Activations:$result);
  let assemblyFormat = [{
    $input `weights` $weights `activation` `` $activation (`norm` `` $norm^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Attn_NormalizeOp : Attn_LayerOp<"normalize"> {
  let summary = "normalises each position over its width";
  let description = [{
    Weights: `norm.weight` and `norm.bias` [D]. Layer normalisation (Ba et al.,
    2016); pre-norm networks end in one.

      result = (x - mean(x)) / √(variance(x) + epsilon) · norm.weight + norm.bias

    ```mlir
    %y = attn.normalize %x weights @encoder.norm
       : (tensor<?x?x256xf32>) -> tensor<?x?x256xf32>
    ```
  }];
  let arguments = (ins Attn_Activations:$input, SymbolRefAttr:$weights,
                       DefaultValuedAttr<F64Attr, "1.0e-5">:$epsilon);
  let results = (outs Attn_Activations:$result);
  let assemblyFormat = [{
    $input `weights` $weights attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Attn_ProjectOp : Attn_LayerOp<"project"> {
  let summary = "maps each position to another width, such as the vocabulary";
  let description = [{
    Weights: `weight` [V, D]; `bias` [V] may be absent.

      result = x · weightᵀ + bias

    ```mlir
    %logits = attn.project %x weights @output
       : (tensor<?x?x256xf32>) -> tensor<?x?x8001xf32>
    ```
  }];
  let arguments = (ins Attn_Activations:$input, SymbolRefAttr:$weights);
  let results = (outs Attn_Activations:$result);
  let assemblyFormat = [{
    $input `weights` $weights attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def Attn_DistanceBiasesOp : Attn_Op<"distance_biases", [Pure]> {
  let summary = "gives each distance between a key and a query its bias";
  let description = [{
    The relative-position biases of T5 (Raffel et al., 2020), which are learned
    for buckets of distances: `table` [N, H], result [H, 2R+1] for R =
    `max_distance`, as `biases` of `attn.sdpa`:

      result[h, R + d] = table[bucket(d), h]

    where d is how far the key is after the query. With `bidirectional`, the
    first half of the buckets is for n = -d ≥ 0, the second for n = d > 0;
    without it, all are for n = max(-d, 0), and keys after the query have the
    bucket of distance 0. Of K buckets, the first E = ⌊K/2⌋ are for one distance
    each, and what is farther has

      min(K - 1, E + ⌊(K - E) · log(n/E) / log(R/E)⌋)

    computed in f32, as T5 does.

    ```mlir
    %b = attn.distance_biases %table {bidirectional, max_distance = 128 : i64}
       : tensor<32x8xf32> -> tensor<8x257xf32>
    ```
  }];
  let arguments = (ins Attn_Activations:$table,
                       ConfinedAttr<I64Attr, [IntMinValue<1>,
                                              IntMaxValue<1048576>]>:$max_distance,
                       UnitAttr:$bidirectional);
  let results = (outs Attn_Activations:$result);
  let assemblyFormat = [{
    $table attr-dict `:` type($table) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// The bucket of keys that are `distance` after a query.
    int64_t getBucket(int64_t distance);
  }];
  let hasVerifier = 1;
}

#endif // ATTN_IR_ATTNLAYEROPS_TD
