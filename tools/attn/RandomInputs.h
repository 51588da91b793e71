// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_RANDOMINPUTS_H
#define ATTN_TOOLS_ATTN_RANDOMINPUTS_H

#include "attn/Execution/Manifest.h"

namespace attn {

/// Arguments for `function`, the same for the same seed on every machine:
/// floats in [-1,1); integers from 0 to below 8 and below every size of the
/// arguments, so that they can be indices of any of them, except that lengths
/// (by their role) are one more, so never 0.
///
/// `shapes` is a comma-separated list such as "8x512x64,8x512", with an entry
/// for each argument or for each with a dynamic size. Errors say which entry
/// does not parse or does not fit its argument, or that one is missing.
llvm::Expected<std::vector<Tensor>>
makeRandomInputs(const FunctionSignature &function, llvm::StringRef shapes,
                 uint64_t seed);

} // namespace attn

#endif // ATTN_TOOLS_ATTN_RANDOMINPUTS_H
