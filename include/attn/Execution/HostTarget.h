// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_HOSTTARGET_H
#define ATTN_EXECUTION_HOSTTARGET_H

#include "attn/Execution/CpuTarget.h"

#include <memory>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace attn {

/// The target that `name` stands for: "native" (read from the host, which is
/// asked for AMX state) or any 64-bit x86 CPU of LLVM's. LLVM does not know the
/// caches of the latter: they are those of the usual model of that name. An
/// error has a hint.
llvm::Expected<CpuTarget> resolveTarget(llvm::StringRef name);

/// A machine that writes position-independent code for `target`.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const CpuTarget &target);

} // namespace attn

#endif // ATTN_EXECUTION_HOSTTARGET_H
