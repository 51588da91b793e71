// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Objects → files that a system loads, by its C compiler.

#ifndef ATTN_TOOLS_ATTN_LINKER_H
#define ATTN_TOOLS_ATTN_LINKER_H

#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>
#include <string>
#include <vector>

namespace attn {

class Linker {
public:
  enum class Output {
    /// With the OpenMP runtime that this program has.
    SharedObject,
    /// One that translates, with a program that embedProgram() made.
    Translator
  };

  /// Finds what linking takes. Errors: there is no C compiler, or no
  /// translator.o.
  static llvm::Expected<Linker> find(Output output);

  /// What `object` links to. It may be large, and goes as soon as it can.
  /// Error: that of the C compiler.
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
  link(std::unique_ptr<llvm::MemoryBuffer> object) const;

private:
  std::string compiler;
  std::vector<std::string> arguments;
};

} // namespace attn

#endif // ATTN_TOOLS_ATTN_LINKER_H
