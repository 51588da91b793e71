// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/CpuTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/TargetParser/Host.h"

#include <sys/syscall.h>
#include <unistd.h>

using namespace attn;

bool CpuTarget::has(llvm::StringRef feature) const {
  return llvm::any_of(llvm::split(features, ','), [&](llvm::StringRef part) {
    return part.consume_front("+") && part == feature;
  });
}

bool attn::requestTileState() {
#if defined(__linux__) && defined(__x86_64__)
  // ARCH_REQ_XCOMP_PERM for the tile data, component 18.
  static const bool granted = syscall(SYS_arch_prctl, 0x1023, 18) == 0;
  return granted;
#else
  return false;
#endif
}

bool attn::isForSystems(llvm::StringRef feature) {
  static const llvm::StringSet<> names = {
      "cldemote",  "clflushopt", "clwb",    "clzero",    "cmpccxadd", "enqcmd",
      "fsgsbase",  "hreset",     "invpcid", "kl",        "movdir64b", "movdiri",
      "mwaitx",    "pconfig",    "pku",     "prefetchi", "prfchw",    "ptwrite",
      "raoint",    "rdpid",      "rdpru",   "rdrnd",     "rdseed",    "rtm",
      "serialize", "sgx",        "shstk",   "tbm",       "tsxldtrk",  "uintr",
      "usermsr",   "waitpkg",    "widekl",  "wbnoinvd",  "x87",       "xsave",
      "xsavec",    "xsaveopt",   "xsaves"};
  return names.contains(feature);
}

llvm::Error attn::checkRunnable(const CpuTarget &target, llvm::StringRef hint) {
  llvm::StringMap<bool, llvm::MallocAllocator> host =
      llvm::sys::getHostCPUFeatures();
  llvm::SmallVector<llvm::StringRef> missing;
  for (llvm::StringRef part : llvm::split(target.features, ',')) {
    if (!part.consume_front("+") || isForSystems(part))
      continue;
    auto found = host.find(part);
    if ((found != host.end() && !found->getValue()) ||
        (part == "amx-tile" && !requestTileState()))
      missing.push_back(part);
  }
  if (missing.empty())
    return llvm::Error::success();
  return llvm::createStringError("this machine cannot run code for '" +
                                 target.cpu + "': it lacks " +
                                 llvm::join(missing, ", ") + "; hint: " + hint);
}
