// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Apart from CompiledDecoder.cpp, which needs nothing of the JIT.

#include "attn/Execution/Program.h"
#include "attn/Generation/CompiledDecoder.h"

using namespace attn;

llvm::Expected<std::unique_ptr<CompiledDecoder>>
CompiledDecoder::create(const Program &program, DecoderLimits limits) {
  DecoderFunctions functions;
  functions.lookup = [&program](llvm::StringRef name) {
    return program.lookup(name);
  };
  functions.call = [&program](llvm::StringRef name,
                              llvm::ArrayRef<Tensor> arguments,
                              int64_t threads) {
    return program.call(name, arguments, static_cast<int>(threads));
  };
  functions.release = [&program] { program.releaseFilePages(); };
  return create(std::move(functions), limits);
}
