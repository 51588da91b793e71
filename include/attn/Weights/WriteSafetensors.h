// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_WEIGHTS_WRITESAFETENSORS_H
#define ATTN_WEIGHTS_WRITESAFETENSORS_H

#include "attn/Weights/SafetensorsFile.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace attn {

/// A tensor and its name.
struct NamedWeight {
  std::string name;
  Weight weight;
};

/// Gives `write` the bytes of a safetensors file (SafetensorsFile.h has the
/// format), piece by piece. Tensors are in this order, and the first starts at
/// a multiple of 64 bytes. Names are UTF-8, and each is there once. Error: the
/// first of `write`.
llvm::Error
writeSafetensors(llvm::ArrayRef<NamedWeight> tensors,
                 llvm::function_ref<llvm::Error(llvm::StringRef)> write);

} // namespace attn

#endif // ATTN_WEIGHTS_WRITESAFETENSORS_H
