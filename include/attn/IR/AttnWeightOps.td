// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights: symbols that name tensors in a file.

#ifndef ATTN_IR_ATTNWEIGHTOPS_TD
#define ATTN_IR_ATTNWEIGHTOPS_TD

include "attn/IR/AttnOpBase.td"
include "mlir/IR/BuiltinAttributes.td"

def Attn_WeightsOp : Attn_Op<"weights", [
    Symbol, SymbolTable, NoTerminator, SingleBlock, IsolatedFromAbove,
    NoRegionArguments]> {
  let summary = "groups the weights of one layer under one symbol";
  let description = [{
    Holds nothing but `attn.weight` operations, whose names say what a weight is
    for (`q.weight`, `norm.bias`, ...). A layer operation names the group.

    ```mlir
    attn.weights @encoder.0.feed_forward {
      attn.weight @in.weight from ["encoder.layers.0.fc1.weight"] : tensor<1024x256xf32>
      attn.weight @in.bias from ["encoder.layers.0.fc1.bias"] : tensor<1024xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let skipDefaultBuilders = 1;
  let builders = [OpBuilder<(ins "::llvm::StringRef":$name)>];
  let hasVerifier = 1;
}

def Attn_WeightOp : Attn_Op<"weight", [Symbol, HasParent<"WeightsOp">]> {
  let summary = "names tensors of the weights file";
  let description = [{
    The value is the concatenation of the file's tensors `sources` along
    dimension 0, converted to the element type given; leading dimensions of
    size 1 in the file do not count. `sinusoidal` weights are computed instead:
    for position p and pair i of D/2, sin(p / 10000^(2i/D)) at i and the cosine
    at D/2 + i, in double precision, rounded once (Vaswani et al., 2017, in the
    order that Marian uses).

    A matrix of i8 is rounded from numbers: row n to 255 steps of its own, those of
    -127 to 127 times maxₖ |row[k]| / 127 (of 2⁻¹⁰⁰ where all are less), to the
    nearest, ties to even. What has i8 or u8 in the file is taken as it is. A vector
    with `scales` is of those steps: of each row of the matrix that the sources
    are. A NaN or an infinity makes the scale of its row NaN. Floats of a tensor
    NAME that has i8 in the file are those integers times the numbers of the tensor
    NAME_scale, one for each row.

    `norms` and `errors` bound 32 rows of that matrix by one number, [⌈N/32⌉]: the
    largest ‖row‖ of them, and the largest ‖row - scale · rounded row‖, which is
    what rounding takes away, both with the rounding of f32; ∞ where that of a row
    is NaN.

    With `panel P`, a matrix of shape N×K is stored as ⌈N/P⌉×K×P, and a vector
    of length N as ⌈N/P⌉·P, padded with zeros: the order in which a matrix
    product reads it. With `transposed` the matrix is K×N in the file, and
    stored alike.

    With `panel P by G`, for P a multiple of 16, each panel is cut into tiles of
    16 rows of 64 bytes, which an instruction reads as one (AMX), or row by row
    (AVX-512). A row holds G
    numbers that follow each other in K, for each of 16 columns: the matrix is
    stored as ⌈N/P⌉×⌈K/16G⌉×P/16×16×16G, so that the element (n, k) is at
    [n / P, k / 16G, n mod P / 16, k mod 16G / G, n mod 16 · G + k mod G]. G
    numbers have 32 bits: pairs of bf16, or four of i8.

    ```mlir
    attn.weights @decoder.0.self_attention {
      attn.weight @qkv.weight from ["q_proj.weight", "k_proj.weight", "v_proj.weight"]
        panel 32 : tensor<768x256xf32>
      attn.weight @hidden.weight from ["hidden"] transposed panel 32 by 2 : tensor<256x1024xbf16>
      attn.weight @out.weight from ["out"] panel 32 by 4 : tensor<256x256xi8>
      attn.weight @out.weight.scales scales from ["out"] panel 32 : tensor<256xf32>
    }
    attn.weights @encoder.embedding {
      attn.weight @positions sinusoidal : tensor<512x256xf32>
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<StrAttr>:$sym_visibility,
                       OptionalAttr<StrArrayAttr>:$sources,
                       UnitAttr:$sinusoidal,
                       OptionalAttr<Attn_RowMeasure>:$measure,
                       UnitAttr:$transposed,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$panel,
                       OptionalAttr<ConfinedAttr<I64Attr, [IntPositive]>>:$group,
                       TypeAttrOf<RankedTensorOf<!listconcat(Attn_Float, [I8])>>:$type);
  let assemblyFormat = [{
    $sym_name ($measure^)? (`from` $sources^)? (`sinusoidal` $sinusoidal^)?
    (`transposed` $transposed^)? (`panel` $panel^ (`by` $group^)?)?
    attr-dict `:` $type
  }];
  let builders = [
    // A weight that is as in the file, or computed.
    OpBuilder<(ins "::llvm::StringRef":$name,
                   "::mlir::StringAttr":$visibility,
                   "::mlir::ArrayAttr":$sources, "bool":$sinusoidal,
                   "::mlir::RankedTensorType":$type)>];
  let extraClassDeclaration = [{
    /// Rows and columns of numbers in the tiles of a weight in groups.
    static constexpr int64_t kTileRows = 16;
    /// Columns of a panel in tiles that code is generated for.
    static constexpr int64_t kTilePanel = 2 * kTileRows;
    /// Rows of a matrix that share their `norms` and `errors`.
    static constexpr int64_t kBoundedRows = 32;
    /// Shape and element type of the value before packing.
    ::mlir::RankedTensorType getLogicalType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getType());
    }
    /// Shape and element type as they are in memory.
    ::mlir::RankedTensorType getStoredType();
  }];
  let hasVerifier = 1;
}

def Attn_GetWeightOp : Attn_Op<"get_weight", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "gives the value that a weight symbol names";
  let description = [{
    The type is that of the weight as stored, so packed where it is packed.

    ```mlir
    %w = attn.get_weight @decoder.0.self_attention::@q.weight : tensor<256x256xf32>
    ```
  }];
  let arguments = (ins SymbolRefAttr:$weight);
  let results = (outs Attn_WeightShaped:$result);
  let assemblyFormat = "$weight attr-dict `:` type($result)";
}

#endif // ATTN_IR_ATTNWEIGHTOPS_TD
