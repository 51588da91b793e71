// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_EXECUTION_CPUTARGET_H
#define ATTN_EXECUTION_CPUTARGET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

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

/// Whether `feature` (without sign) is for operating systems and the like. Code
/// generation never emits such on its own, and virtual machines often hide
/// them.
bool isForSystems(llvm::StringRef feature);

/// An error that names what the host lacks if it cannot run code for `target`,
/// and ends with `hint`.
llvm::Error checkRunnable(const CpuTarget &target,
                          llvm::StringRef hint = "use the target CPU 'native'");

/// Asks the operating system, once, for the state of the AMX tiles, which a
/// process must do before its threads use them. False: refused, or no AMX.
bool requestTileState();

} // namespace attn

#endif // ATTN_EXECUTION_CPUTARGET_H
