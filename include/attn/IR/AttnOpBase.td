// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Classes and type constraints that the operations share.

#ifndef ATTN_IR_ATTNOPBASE_TD
#define ATTN_IR_ATTNOPBASE_TD

include "attn/IR/AttnDialect.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

defvar Attn_Float = [F32, F16, BF16];

// Layers: tensors only.
def Attn_Activations : RankedTensorOf<Attn_Float>;
def Attn_Ids : RankedTensorOf<[I32]>;

// Cores: tensors, and memrefs after bufferization.
class Attn_Shaped<list<Type> types>
    : AnyTypeOf<[RankedTensorOf<types>, MemRefOf<types>],
                "ranked tensor or memref of " #
                !interleave(!foreach(t, types, t.summary), " or "),
                "::mlir::ShapedType">;
def Attn_FloatShaped : Attn_Shaped<Attn_Float>;
def Attn_WeightShaped : Attn_Shaped<!listconcat(Attn_Float, [I8])>;
def Attn_IntShaped : Attn_Shaped<[I32]>;
def Attn_MaskShaped : Attn_Shaped<!listconcat(Attn_Float, [I1])>;

// A core writes into its destinations.
class Attn_CoreOp<string mnemonic, list<Trait> traits = []>
    : Attn_Op<mnemonic, !listconcat(traits, [
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface,
                                  ["reifyResultShapes"]>,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>])> {
  // On memrefs a core has no results.
  let results = (outs Variadic<RankedTensorOf<Attn_Float>>:$results);
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::reifyResultShapes(
        ::mlir::OpBuilder &builder, ::mlir::ReifiedRankedShapedTypeDims &shapes) {
      return ::attn::reifyFromDestinations(*this, builder, shapes);
    }
    void $cppClass::getEffects(::attn::Effects &effects) {
      ::attn::addCoreEffects(*this, effects);
    }
  }];
}

// What a core with one destination says of itself.
defvar Attn_OneDestination = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() {
      return getOutMutable();
    }
  }];

#endif // ATTN_IR_ATTNOPBASE_TD
