// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_DATATYPEOPTION_H
#define ATTN_TOOLS_ATTN_DATATYPEOPTION_H

#include "ChoiceOption.h"
#include "attn/Translation/CheckpointModel.h"
#include "llvm/Support/CommandLine.h"

namespace attn {

/// An option --dtype: what a checkpoint's products are computed in.
class DataTypeOption {
public:
  explicit DataTypeOption(llvm::cl::SubCommand &command)
      : option("dtype",
               llvm::cl::desc("Numbers that are computed with (default: int8 "
                              "if the checkpoint is quantized, else f32):"),
               llvm::cl::values(
                   clEnumValN(DataType::F32, "f32", "32-bit floats"),
                   clEnumValN(DataType::BF16, "bf16",
                              "products of bf16, which round more: half of "
                              "the bytes"),
                   clEnumValN(DataType::I8, "int8",
                              "products of 8-bit integers, with a scale for "
                              "each row: a quarter of the bytes"),
                   clEnumValN(DataType::Auto, "auto",
                              "the fastest that keeps the quality: int8")),
               llvm::cl::sub(command)) {}

  /// What was given.
  std::optional<DataType> value() const {
    if (!option.getNumOccurrences())
      return std::nullopt;
    return option.getValue();
  }

private:
  ChoiceOption<DataType> option;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_DATATYPEOPTION_H
