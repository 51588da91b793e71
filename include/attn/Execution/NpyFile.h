// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads and writes one array a file. Not handled, and refused by name:
// big-endian data, structured and object arrays, unsigned integers. The format
// has no name for bfloat16: as NumPy with ml_dtypes writes it, that is two
// bytes without a meaning, "<V2".

#ifndef ATTN_EXECUTION_NPYFILE_H
#define ATTN_EXECUTION_NPYFILE_H

#include "attn/Execution/Tensor.h"

#include <utility>

namespace attn {

/// Reads a .npy file of format 1, 2 or 3 into owned memory; an array in Fortran
/// order comes back row-major. Errors name the file: not a .npy file, truncated
/// or overlong data, an unsupported element type, a header that does not parse.
llvm::Expected<Tensor> readNpy(llvm::StringRef path);

/// Writes files of format 1.0, all of them complete on disk under temporary
/// names before the first gets its own name. An error removes the temporary
/// ones.
llvm::Error writeNpyFiles(llvm::ArrayRef<std::pair<std::string, Tensor>> files);

} // namespace attn

#endif // ATTN_EXECUTION_NPYFILE_H
