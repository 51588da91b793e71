// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_WEIGHTS_WRITESAFETENSORS_H
#define ATTN_WEIGHTS_WRITESAFETENSORS_H

#include "attn/Weights/SafetensorsFile.h"

namespace attn {

/// A tensor and its name.
struct NamedWeight {
  std::string name;
  Weight weight;
};

/// Writes a safetensors file (SafetensorsFile.h has the format), in which the
/// tensors are in this order and the first starts at a multiple of 64 bytes. It
/// is written under another name and renamed, so `path` is never half a file.
/// Names are UTF-8, and each is there once. Error: it cannot be written.
llvm::Error writeSafetensors(llvm::StringRef path,
                             llvm::ArrayRef<NamedWeight> tensors);

} // namespace attn

#endif // ATTN_WEIGHTS_WRITESAFETENSORS_H
