// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Layers become cores, and several cores become one.

#ifndef ATTN_TRANSFORMS_FUSIONPASSES_TD
#define ATTN_TRANSFORMS_FUSIONPASSES_TD

include "mlir/Pass/PassBase.td"

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

def DeferMasks : Pass<"attn-defer-masks", "::mlir::func::FuncOp"> {
  let summary = "computes what branches alone read where they are taken";
  let description = [{
    Where `attn-raise-attention` asks if each query keeps a key, the mask of all
    scores is for the case that one does not. It then is computed in that case
    only, and has memory that is never written otherwise.

    Algorithm: a `linalg.generic` whose result is read only in branches of
    `scf.if` that depend on one condition, all in the same case, moves into a new
    `scf.if` before the first of these; in the other case that gives a
    `tensor.empty`. Views of it, as reshapes and slices, are made anew in each
    branch before. Upstream's sinking of operations into the only branch that
    reads them then takes along what nothing else reads.

    Limits: the operation has to write to a `tensor.empty`.

    ```mlir
    %mask = linalg.generic {…} ins(%m : …) outs(%e : …) {…}
    %x = scf.if %keeps -> … {…} else { …%mask… }
    %y = scf.if %keeps -> … {…} else { …%mask… }
    ```

    becomes

    ```mlir
    %mask = scf.if %keeps -> … {
      %0 = tensor.empty(…) : …
      scf.yield %0 : …
    } else {
      %0 = linalg.generic {…} ins(%m : …) outs(%e : …) {…}
      scf.yield %0 : …
    }
    %x = scf.if %keeps -> … {…} else { …%mask… }
    %y = scf.if %keeps -> … {…} else { …%mask… }
    ```
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect"];
}

def FuseElementwise : Pass<"attn-fuse-elementwise", "::mlir::func::FuncOp"> {
  let summary = "computes chains of elementwise operations in one loop";
  let description = [{
    A `linalg.generic` whose result is an operand of one other, which reads each
    of its elements once, becomes a part of that one: so what is between them is
    never in memory. Masks that exporters compute in a dozen steps, each of the
    size of all scores, take one or two.

    Algorithm: upstream's fusion of elementwise operations, from producers to
    consumers, among which may be reductions.

    Limits: nothing is computed more often than before. So a result that several
    operations read, or that one broadcasts, is kept in memory, as is one that a
    region reads, which may be that of a loop. Reshapes and named operations
    stand between others.

    ```mlir
    %d = linalg.generic {…} ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %one : f32
      linalg.yield %s : f32
    } -> tensor<?xf32>
    %y = linalg.generic {…} ins(%d : tensor<?xf32>) outs(%e : tensor<?xf32>) {
    ^bb0(%a: f32, %o: f32):
      %r = math.sqrt %a : f32
      linalg.yield %r : f32
    } -> tensor<?xf32>
    ```

    becomes

    ```mlir
    %y = linalg.generic {…} ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
    ^bb0(%a: f32, %o: f32):
      %s = arith.addf %a, %one : f32
      %r = math.sqrt %s : f32
      linalg.yield %r : f32
    } -> tensor<?xf32>
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect"];
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

#endif // ATTN_TRANSFORMS_FUSIONPASSES_TD
