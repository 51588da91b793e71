// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled objects carry a JSON text, `attn_manifest`: the functions that can
// be called, with the types and roles of their arguments, and how each entry of
// the table `attn_weights` is made from the tensors of a weights file.

#ifndef ATTN_EXECUTION_MANIFEST_H
#define ATTN_EXECUTION_MANIFEST_H

#include "attn/Execution/Tensor.h"

#include <optional>
#include <string>
#include <vector>

namespace attn {

/// The type of an argument or a result.
struct TensorSignature {
  ElementType type = ElementType::F32;
  /// A dynamic size is -1.
  std::vector<int64_t> shape;
  /// What a caller is to put here ("ids", "cache", …); may be empty.
  std::string role;

  bool accepts(const Tensor &tensor) const;
  /// "tensor<?x256xf32>".
  std::string describe() const;
};

/// Dimensions of arguments that have to be of one size: compiled code relies
/// on it.
struct SizeConstraint {
  /// One of the dimensions of an argument, which is to be so much more.
  struct Place {
    int64_t argument;
    int64_t dim;
    int64_t more;
  };
  std::vector<Place> places;
  /// The size, where it is known.
  std::optional<int64_t> value;
};

struct FunctionSignature {
  std::string name;
  std::vector<TensorSignature> arguments;
  std::vector<TensorSignature> results;
  std::vector<SizeConstraint> equal = {};

  /// Checks number, types and sizes of arguments. The message says what was
  /// expected and what was got, e.g. "argument 1 of 'encode': expected
  /// tensor<?xi32>, got f32 [3]".
  llvm::Error check(llvm::ArrayRef<Tensor> given) const;
};

/// What a vector tells of the rows of a matrix [N,K].
enum class WeightMeasure {
  /// Nothing: it is in the file.
  None,
  /// [N], the steps that rows are rounded to where they become i8.
  Scales,
  /// [ceil(N/32)], the largest ‖row‖ of 32 rows.
  Norms,
  /// [ceil(N/32)], the largest ‖row - step · row in i8‖ of 32 rows.
  Errors,
};

/// How one entry of `attn_weights` comes to be.
struct WeightRecipe {
  std::string name;
  /// Tensors of the file, concatenated along dimension 0.
  std::vector<std::string> sources;
  /// Sinusoidal positions [P,D], computed and not read: no sources.
  bool sinusoidal = false;
  /// Of the matrix that the sources are.
  WeightMeasure measure = WeightMeasure::None;
  ElementType type = ElementType::F32;
  /// The logical shape: of the concatenation, before packing.
  std::vector<int64_t> shape;
  /// If not 0, [N,K] is stored as [ceil(N/panel)][K][panel], and [N] padded to
  /// a multiple of panel; what is added is zero.
  int64_t panel = 0;
  /// Whether a matrix in panels is [K,N] in the file.
  bool transposed = false;
  /// If more than 1, panels are cut into tiles of 16 rows, and [N,K] is stored
  /// as [ceil(N/panel)][ceil(K/16/group)][panel/16][16][16*group].
  int64_t group = 1;

  /// Rows and columns of a tile.
  static constexpr int64_t tileRows = 16;
  /// Whether it is made of rows as they become i8.
  bool isOfRoundedRows() const {
    return measure != WeightMeasure::None || type == ElementType::I8;
  }
  /// Rows that `norms` and `errors` have one number for.
  static constexpr int64_t boundedRows = 32;
  int64_t rowsOfElement() const {
    return measure == WeightMeasure::Norms || measure == WeightMeasure::Errors
               ? boundedRows
               : 1;
  }
  /// N and K of a matrix in panels.
  int64_t columns() const { return shape[transposed ? 1 : 0]; }
  int64_t depth() const { return shape[transposed ? 0 : 1]; }
  /// Elements in memory, the padding included.
  int64_t storedElements() const;
};

struct Manifest {
  std::vector<WeightRecipe> weights;
  std::vector<FunctionSignature> functions;

  /// Errors say what in the text is missing or malformed.
  static llvm::Expected<Manifest> parse(llvm::StringRef text);

  const FunctionSignature *lookup(llvm::StringRef name) const;
};

} // namespace attn

#endif // ATTN_EXECUTION_MANIFEST_H
