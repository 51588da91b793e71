// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What weights and buffers are stored as, and code that is shared.

#ifndef ATTN_TRANSFORMS_STORAGEPASSES_TD
#define ATTN_TRANSFORMS_STORAGEPASSES_TD

include "mlir/Pass/PassBase.td"

def QuantizeWeights : Pass<"attn-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "stores the weights of matrix products in fewer bits";
  let description = [{
    Each `attn.linear`, `attn.logits`, `attn.greatest` and `attn.mlp` with an input
    of f32 and a weight that is an `attn.get_weight` of f32 reads one of the element
    type `type` instead, bf16 or i8: a new `attn.weight` of the same sources, and
    for i8 another one of its scales. Weights that are used no more go. Activations,
    biases and all other operations stay as they are, so the results are of f32,
    with the rounding of the factors (`attn.linear`). Half of the bytes are read, or
    a quarter, and a target that multiplies such numbers does that. For i8 the table
    of an `attn.lookup` changes too, whatever floats it is of: so it can be the
    output's weight as well, and there once.

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
    For each `attn.linear`, `attn.logits`, `attn.greatest` and `attn.mlp` whose
    weight is an `attn.get_weight`, makes the weight (and bias) one in panels, so
    that the innermost loop reads memory in order. Panels are as wide as two
    vector registers of the module's `attn.target`, or as the option `panel`
    says; a matrix of bf16 is in tiles for a target that multiplies bf16, one of
    i8 is in `panel 32 by 4` for every target, as a table of i8 is, and their
    scales are packed as a bias is. A weight that a transposed operand reads is
    transposed as it is stored. A weight that is also used otherwise gets a
    second symbol. Not so an embedding table that is the output projection
    too, as two symbols of the same source or as one: where that is of f32,
    `attn.lookup` reads its panels, so that the table is there once, whatever
    floats it was to be stored in. Sinusoidal weights are left alone, as is a
    product whose bias is no `attn.get_weight`, and, in tiles, an `attn.mlp` whose
    hidden width is no multiple of their depth.

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

    ```mlir
    %a = memref.alloc(%n) : memref<?x8xf32>
    attn.layer_norm %x, %w, %b outs(%a) : …
    %c = memref.alloc(%n) : memref<?x8xf32>
    attn.softmax %a outs(%c) : …
    %d = memref.alloc(%n) : memref<?x8xf32>
    attn.layer_norm %c, %w, %b outs(%d) : …
    ```

    becomes

    ```mlir
    %a = memref.alloc(%n) : memref<?x8xf32>
    %c = memref.alloc(%n) : memref<?x8xf32>
    attn.layer_norm %x, %w, %b outs(%a) : …
    attn.softmax %a outs(%c) : …
    attn.layer_norm %c, %w, %b outs(%a) : …
    ```
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

    ```mlir
    func.func @f(…) {
      …
      attn.layer_norm %x, %w, %b outs(%a) : …
      attn.softmax %a outs(%c) : …
      attn.layer_norm %c, %w, %b outs(%d) : …
      attn.softmax %d outs(%e) : …
      return
    }
    ```

    becomes

    ```mlir
    func.func private @f_layer(%x: …, %w: …, %b: …, %a: …, %c: …) {
      attn.layer_norm %x, %w, %b outs(%a) : …
      attn.softmax %a outs(%c) : …
      return
    }
    func.func @f(…) {
      …
      call @f_layer(%x, %w, %b, %a, %c) : …
      call @f_layer(%c, %w, %b, %d, %e) : …
      return
    }
    ```
  }];
}

#endif // ATTN_TRANSFORMS_STORAGEPASSES_TD
