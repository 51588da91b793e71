// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/HostTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

#include <unistd.h>

using namespace attn;

/// LLVM's own choice is 256 bits on many processors that run 512 as fast.
static constexpr llvm::StringLiteral wideVectors("-prefer-256-bit");

static std::string joinFeatures(llvm::ArrayRef<llvm::StringRef> features) {
  llvm::SmallVector<std::string> parts;
  for (llvm::StringRef feature : features)
    parts.push_back("+" + feature.str());
  llvm::sort(parts);
  if (llvm::is_contained(features, "avx512f"))
    parts.push_back(wideVectors.str());
  return llvm::join(parts, ",");
}

/// Sets the caches to those that the operating system reports, where it does.
static void detectCaches(CpuTarget &target) {
#ifdef _SC_LEVEL1_DCACHE_SIZE
  if (long size = sysconf(_SC_LEVEL1_DCACHE_SIZE); size > 0)
    target.l1 = size;
  if (long size = sysconf(_SC_LEVEL2_CACHE_SIZE); size > 0)
    target.l2 = size;
#endif
  target.l2 = std::max(target.l1, target.l2);
}

/// Sets the caches to those of a processor with the target's name and features.
/// Sources: Intel's and AMD's optimization manuals.
static void lookUpCaches(CpuTarget &target) {
  bool isZen = llvm::StringRef(target.cpu).starts_with("zn");
  if (target.has("amx-tile")) {
    target.l1 = 48 << 10;
    target.l2 = 2 << 20;
  } else if (isZen) {
    target.l1 = target.cpu == "znver5" ? 48 << 10 : 32 << 10;
    target.l2 = target.has("avx512f") ? 1 << 20 : 512 << 10;
  } else {
    target.l1 = 32 << 10;
    target.l2 = target.has("avx512f") ? 1 << 20 : 256 << 10;
  }
}

static CpuTarget detectHost() {
  llvm::StringMap<bool, llvm::MallocAllocator> map =
      llvm::sys::getHostCPUFeatures();
  bool tiles = map.lookup("amx-tile") && requestTileState();
  llvm::SmallVector<llvm::StringRef> present;
  for (const auto &feature : map)
    if (feature.getValue() && !isForSystems(feature.getKey()) &&
        (tiles || !feature.getKey().starts_with("amx-")))
      present.push_back(feature.getKey());

  CpuTarget host;
  host.cpu = llvm::sys::getHostCPUName().str();
  host.features = joinFeatures(present);
  // Virtual machines may report the model number of another processor. Its
  // instruction timings would be used for tuning, so look for the one that the
  // features speak of.
  llvm::SmallVector<llvm::StringRef> known;
  if (llvm::X86::parseArchX86(host.cpu, /*Only64Bit=*/true) !=
      llvm::X86::CK_None)
    llvm::X86::getFeaturesForCPU(host.cpu, known);
  if (host.has("amx-bf16") && host.has("avx512fp16") &&
      !llvm::is_contained(known, "amx-bf16"))
    host.cpu = host.has("amx-fp16") ? "graniterapids" : "sapphirerapids";
  else if (known.empty())
    host.cpu = "x86-64";

  // What the processor's name implies and the host lacks must be turned off.
  known.clear();
  llvm::X86::getFeaturesForCPU(host.cpu, known);
  llvm::sort(known);
  for (llvm::StringRef feature : known)
    if (!isForSystems(feature) && map.count(feature) && !host.has(feature))
      host.features += ",-" + feature.str();
  detectCaches(host);
  return host;
}

llvm::Expected<CpuTarget> attn::resolveTarget(llvm::StringRef name) {
  if (name == "native") {
    static const CpuTarget host = detectHost();
    return host;
  }
  if (llvm::X86::parseArchX86(name, /*Only64Bit=*/true) == llvm::X86::CK_None) {
    llvm::SmallVector<llvm::StringRef> valid;
    llvm::X86::fillValidCPUArchList(valid, /*Only64Bit=*/true);
    llvm::StringRef nearest = "native";
    // A hint should share something with what it replaces.
    unsigned best =
        std::min(name.size(), std::max<size_t>(2, name.size() / 3) + 1);
    for (llvm::StringRef candidate : valid) {
      unsigned distance = name.edit_distance(candidate, true, best);
      if (distance < best) {
        best = distance;
        nearest = candidate;
      }
    }
    return llvm::createStringError("unknown target CPU '" + name +
                                   "'; hint: try '" + nearest + "'");
  }
  llvm::SmallVector<llvm::StringRef> features;
  llvm::X86::getFeaturesForCPU(name, features);
  // Those of newer processors leave out what others of them imply.
  llvm::StringMap<bool> implied;
  for (llvm::StringRef feature : features)
    llvm::X86::updateImpliedFeatures(feature, /*Enabled=*/true, implied);
  for (llvm::StringRef feature : implied.keys())
    if (!llvm::is_contained(features, feature))
      features.push_back(feature);
  llvm::erase_if(features, isForSystems);
  CpuTarget target;
  target.cpu = name.str();
  target.features = joinFeatures(features);
  lookUpCaches(target);
  return target;
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
attn::createTargetMachine(const CpuTarget &target) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;

  llvm::Triple triple(llvm::sys::getProcessTriple());
  std::string message;
  const llvm::Target *backend =
      llvm::TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return llvm::createStringError("cannot generate code: " + message);
  std::unique_ptr<llvm::TargetMachine> machine(backend->createTargetMachine(
      triple, target.cpu, target.features, llvm::TargetOptions(),
      llvm::Reloc::PIC_, llvm::CodeModel::Small));
  if (!machine)
    return llvm::createStringError("cannot generate code for '" + target.cpu +
                                   "'");
  return std::move(machine);
}
