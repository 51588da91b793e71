// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights as symbols: who uses them, what to call new ones.

#ifndef ATTN_LIB_TRANSFORMS_WEIGHTSYMBOLS_H
#define ATTN_LIB_TRANSFORMS_WEIGHTSYMBOLS_H

#include "attn/IR/AttnOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace attn {

/// The weight that `value` is, if it is an `attn.get_weight`.
WeightOp getWeight(mlir::Value value, mlir::SymbolTableCollection &symbols);

/// The symbol `path` with its last name replaced.
mlir::SymbolRefAttr replaceLeaf(mlir::SymbolRefAttr path,
                                mlir::StringAttr name);

/// How a weight is made and stored, as attributes of `attn.weight`; none: as in
/// the file.
struct WeightStorage {
  RowMeasureAttr measure;
  mlir::UnitAttr transposed;
  mlir::IntegerAttr panel, group;
};

/// The weight of the group of `like` that differs from `like` only as given;
/// made where there is none yet, with a name close to `name`, after `like`.
WeightOp getOrCreateWeight(WeightOp like, llvm::StringRef name,
                           mlir::ArrayAttr sources, mlir::RankedTensorType type,
                           WeightStorage storage,
                           mlir::SymbolTableCollection &symbols);

/// The value of another weight of the group of what `get` reads.
mlir::Value getOther(mlir::OpBuilder &builder, GetWeightOp get, WeightOp other);

/// Lets an operand that is an `attn.get_weight` read another weight of its
/// group instead.
void readOther(mlir::OpOperand &operand, WeightOp other);

/// getOrCreateWeight, of the sources of `weight`, which `get` reads: its value,
/// where `get` stands.
mlir::Value getWeightLike(GetWeightOp get, WeightOp weight,
                          llvm::StringRef name, mlir::RankedTensorType type,
                          WeightStorage storage,
                          mlir::SymbolTableCollection &symbols);

/// A name for several weights together: q.weight and k.weight are
/// q_k.weight.
std::string joinNames(llvm::ArrayRef<WeightOp> weights);

/// Erases those of the `weights` that nothing uses any more.
void eraseUnused(llvm::ArrayRef<mlir::Operation *> weights,
                 mlir::ModuleOp module, mlir::SymbolTableCollection &symbols);

/// All symbols that operations in `module` refer to.
llvm::DenseSet<mlir::SymbolRefAttr> collectSymbolUses(mlir::ModuleOp module);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_WEIGHTSYMBOLS_H
