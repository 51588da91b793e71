// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_HOSTTARGET_H
#define ATTN_EXECUTION_HOSTTARGET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace attn {

/// A processor, as LLVM names it, and its caches.
struct CpuTarget {
  /// An LLVM CPU name such as "sapphirerapids"; never "native".
  std::string cpu;
  /// Sorted, comma-separated: "+avx2,+avx512f,…,-prefer-256-bit". Complete:
  /// every instruction set extension that may be used is listed.
  std::string features;
  /// Bytes of the first-level data cache and the second-level cache of a core.
  int64_t l1 = 32 << 10, l2 = 1 << 20;

  /// Whether `feature` (without sign) may be used.
  bool has(llvm::StringRef feature) const;
};

/// The target that `name` stands for: "native" (read from the host, which is
/// asked for AMX state) or any 64-bit x86 CPU of LLVM's. LLVM does not know the
/// caches of the latter: they are those of the usual model of that name. An
/// error has a hint.
llvm::Expected<CpuTarget> resolveTarget(llvm::StringRef name);

/// An error that names what the host lacks if it cannot run code for `target`.
llvm::Error checkRunnable(const CpuTarget &target);

/// Asks the operating system, once, for the state of the AMX tiles, which a
/// process must do before its threads use them. False: refused, or no AMX.
bool requestTileState();

/// A machine that writes position-independent code for `target`.
/// `optLevel` is 0 to 3.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createTargetMachine(const CpuTarget &target, unsigned optLevel);

} // namespace attn

#endif // ATTN_EXECUTION_HOSTTARGET_H
