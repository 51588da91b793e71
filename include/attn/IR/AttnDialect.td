// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `attn` dialect and its attributes.

#ifndef ATTN_IR_ATTNDIALECT_TD
#define ATTN_IR_ATTNDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/DialectBase.td"
include "mlir/IR/EnumAttr.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let cppNamespace = "::attn";
  let summary = "Networks of self-attention, cross-attention and feed-forward";
  let description = [{
    Three levels meet in this dialect.

    1. *Layers*, as a person thinks of a network: `attn.embedding`,
       `attn.self_attention`, `attn.cross_attention`, `attn.feed_forward`,
       `attn.normalize`, `attn.project`. A layer names its weights by the
       symbol of an `attn.weights` group. Layers work on tensors.
    2. *Cores*, as a compiler thinks: `attn.lookup`, `attn.linear`, `attn.mlp`,
       `attn.layer_norm`, `attn.sdpa`, `attn.cache_append`, the three steps of
       attention that is not fused yet, `attn.scores`, `attn.softmax` and
       `attn.weighted_sum`, and what a search does with logits, `attn.logits`
       and `attn.greatest`. Cores are in destination-passing style and work on
       tensors and, after bufferization, on memrefs. They take weights by
       `attn.get_weight`.
    3. Below the cores there are loops, vectors and LLVM IR of upstream.

    Batch and length are dynamic, widths are static. Weights are no constants of
    functions: an `attn.weight` symbol names tensors in a file that is mapped
    when the program starts, or of the module's `attn.constants`.

    Operations of other dialects have attributes of this one:

    | attribute | of | what it says |
    | --- | --- | --- |
    | `attn.weights_file` | a module | the path of the safetensors file or ONNX model that holds the weights |
    | `attn.constants` | a module | a tensor of f32, f16 or bf16 for each name of weights that are not in the file |
    | `attn.target` | a module | the processor that code is generated for, an `#attn.target` |
    | `attn.role` | an argument | what a caller has to pass: "ids", "lengths" of theirs, or a name that `attn-incremental-decoding` lists, of which a "cache" is memory that the function may write |
    | `attn.sizes` | an argument | a name for each dimension, or "": those of one name have to be of one size in all arguments |
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let extraClassDeclaration = [{
    // The description says what these are.
    static constexpr llvm::StringLiteral kWeightsFileAttr =
        "attn.weights_file";
    static constexpr llvm::StringLiteral kConstantsAttr = "attn.constants";
    static constexpr llvm::StringLiteral kTargetAttr = "attn.target";
    static constexpr llvm::StringLiteral kRoleAttr = "attn.role";
    static constexpr llvm::StringLiteral kSizesAttr = "attn.sizes";
    /// Whether the argument has the role "cache": what is computed from it in
    /// place is a result in the same memory.
    static bool isCache(::mlir::FunctionOpInterface function,
                        ::mlir::BlockArgument argument);
  }];
}

class Attn_Attr<string name, string attrMnemonic>
    : AttrDef<Attn_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def Attn_TargetAttr : Attn_Attr<"Target", "target"> {
  let summary = "The processor that code is generated for";
  let description = [{
    `cpu` is a name that LLVM knows, `features` LLVM's feature string, `l1` and
    `l2` the bytes of the first-level data cache and of the second-level cache
    of one core, 32 KiB and 1 MiB where it does not say. So what a module compiles
    to does not depend on the machine that compiles it. Sizes of tiles and blocks
    follow from them; results do not.

    ```mlir
    module attributes {
      attn.target = #attn.target<cpu = "skylake-avx512", features = "+avx512f", l1 = 32768, l2 = 1048576>
    } {}
    ```
  }];
  let parameters = (ins StringRefParameter<>:$cpu,
                        StringRefParameter<>:$features,
                        DefaultValuedParameter<"int64_t", "32 << 10">:$l1,
                        DefaultValuedParameter<"int64_t", "1 << 20">:$l2);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Whether the feature string turns `feature` on ("avx2", "fma", ...). The
    /// last mention of a feature counts.
    bool hasFeature(llvm::StringRef feature) const;
    /// Lanes of f32 in the widest vector register worth using: 16, 8 or 4.
    int64_t getVectorLanes() const;
    /// Columns of the panels that weights are packed in: two vectors.
    int64_t getPanelWidth() const { return 2 * getVectorLanes(); }
    /// Whether it multiplies tiles of bf16 (AMX).
    bool hasTiles() const {
      return hasFeature("amx-bf16") && hasBFloat16Products();
    }
    /// Whether it multiplies pairs of bf16 (AVX512-BF16), in tiles or not.
    bool hasBFloat16Products() const {
      return hasFeature("avx512bf16") && hasFeature("avx512f");
    }
    /// Whether it multiplies tiles of i8 (AMX).
    bool hasIntegerTiles() const {
      return hasFeature("amx-int8") && hasFeature("avx512vnni") &&
             hasFeature("avx512f");
    }
    /// Whether it adds four products of i8 at once (AVX512-VNNI, AVX-VNNI).
    bool hasIntegerDots() const {
      return hasFeature(getVectorLanes() == 16 ? "avx512vnni" : "avxvnni");
    }
  }];
}

def Attn_Activation : I32EnumAttr<"Activation", "activation function", [
  I32EnumAttrCase<"ReLU", 0, "relu">,
  I32EnumAttrCase<"GELU", 1, "gelu">,
  I32EnumAttrCase<"SiLU", 2, "silu">,
  I32EnumAttrCase<"GELUTanh", 3, "gelu_tanh">
]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

def Attn_ActivationAttr
    : EnumAttr<Attn_Dialect, Attn_Activation, "activation"> {
  let summary = "An activation function";
  let description = [{
    `relu` max(x, 0); `gelu` x·(1 + erf(x/√2))/2; `silu` (swish) x/(1 + e⁻ˣ);
    `gelu_tanh` x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2, which is about `gelu`
    (Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016).
  }];
}

def Attn_ScoreStage : I32EnumAttr<"ScoreStage", "stage of attention scores", [
  I32EnumAttrCase<"Scaled", 0, "scaled">,
  I32EnumAttrCase<"Capped", 1, "capped">,
  I32EnumAttrCase<"Masked", 2, "masked">
]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

def Attn_ScoreStageAttr : EnumAttr<Attn_Dialect, Attn_ScoreStage, "stage"> {
  let summary = "How far attention scores have come";
  let description = [{
    `scaled` scale · q·k; `capped` the same after the cap; `masked` what the
    softmax is taken of: with biases and mask, and -∞ for keys that the query
    may not attend to.
  }];
}

// What a vector tells of the rows of a matrix; a keyword of `attn.weight`.
def Attn_RowMeasure : I32EnumAttr<"RowMeasure", "measure of a row", [
  I32EnumAttrCase<"Scales", 0, "scales">,
  I32EnumAttrCase<"Norms", 1, "norms">,
  I32EnumAttrCase<"Errors", 2, "errors">
]> {
  let cppNamespace = "::attn";
}

def Attn_NormPlacement : I32EnumAttr<"NormPlacement", "place of the norm", [
  I32EnumAttrCase<"Post", 0, "post">,
  I32EnumAttrCase<"Pre", 1, "pre">
]> {
  let cppNamespace = "::attn";
  let genSpecializedAttr = 0;
}

def Attn_NormPlacementAttr
    : EnumAttr<Attn_Dialect, Attn_NormPlacement, "norm"> {
  let summary = "Where a layer normalises";
  let description = [{
    `post` norm(x + f(x)); `pre` x + f(norm(x)).
  }];
}

#endif // ATTN_IR_ATTNDIALECT_TD
