// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled program, its weights and files that go with it as constants of an
// executable. embedProgram() in AheadOfTime.h writes one.

#ifndef ATTN_EXECUTION_EMBEDDEDPROGRAM_H
#define ATTN_EXECUTION_EMBEDDEDPROGRAM_H

#include <cstdint>

extern "C" {

/// A file, whose bytes are followed by one that is 0.
struct AttnEmbeddedFile {
  const char *name;
  const char *bytes;
  uint64_t size;
};

/// Everything lives as long as the process.
struct AttnEmbeddedProgram {
  /// As Manifest::parse takes it.
  const char *manifest;
  /// The processor that it was compiled for, as in CpuTarget.
  const char *cpu, *features;
  /// The functions of the manifest, in its order.
  void (*const *entryPoints)(void **slots);
  /// Those of the manifest, in its order.
  void *const *weights;
  /// The last one has no name.
  const AttnEmbeddedFile *files;
};

/// The program of this executable.
extern const AttnEmbeddedProgram attn_embedded_program;
}

#endif // ATTN_EXECUTION_EMBEDDEDPROGRAM_H
