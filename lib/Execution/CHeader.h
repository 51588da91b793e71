// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_LIB_EXECUTION_CHEADER_H
#define ATTN_LIB_EXECUTION_CHEADER_H

#include "attn/Execution/Manifest.h"

namespace attn {

/// A C header that declares functions of compiled code, and checks the sizes of
/// what they are called with. Error: a name that is none in C.
llvm::Expected<std::string>
makeCHeader(llvm::ArrayRef<FunctionSignature> functions);

} // namespace attn

#endif // ATTN_LIB_EXECUTION_CHEADER_H
