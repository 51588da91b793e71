// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Marian checkpoints in the Hugging Face layout → attn.

#ifndef ATTN_IMPORT_IMPORTMARIAN_H
#define ATTN_IMPORT_IMPORTMARIAN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace attn {

/// Builds the network of the checkpoint in `directory` (config.json and
/// model.safetensors, of which only the header is read) as layers:
///
///   encode(ids [B,S] i32, lengths [B] i32) -> [B,S,D] f32
///   decode(ids [B,T] i32, memory [B,S,D] f32, memory_lengths [B] i32)
///       -> logits [B,T,V] f32
///
/// Arguments have these names as `attn.role`. `decode` sees whole outputs,
/// causally. The weights are groups of symbols in front of the function that
/// uses them, and the module's `attn.weights_file` is the absolute path of
/// model.safetensors. Weights are f32 whatever the file holds, but embedding
/// tables have the file's element type, because few of their rows are read.
///
/// Errors: those of MarianConfig::load and SafetensorsFile::open, a tensor that
/// is missing or whose type or shape does not go with the configuration.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importMarian(llvm::StringRef directory, mlir::MLIRContext &context);

} // namespace attn

#endif // ATTN_IMPORT_IMPORTMARIAN_H
