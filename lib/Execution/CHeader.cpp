// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "CHeader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <set>

using namespace attn;

static constexpr llvm::StringLiteral preamble =
    R"(/* Written by attn compile. May be included beside other such headers. */
#pragma once
#include <stdint.h>
#include <stdlib.h>

#ifndef ATTN_RELEASE
#define ATTN_RELEASE
/* Frees the memory of a result, given its `allocated`; not for a result that is
   an argument, whose `allocated` is then the argument's. */
static inline void attn_release(void *allocated) {
  /* The address that stands for the memory of constants. */
  if ((uintptr_t)allocated != 0xdeadbeef)
    free(allocated);
}
#endif
)";

/// A tensor of a rank is a struct, a function that makes one, and one that
/// tells whether it is as all code expects it.
static void writeRank(size_t rank, llvm::raw_ostream &os) {
  os << llvm::formatv("\n#ifndef ATTN_TENSOR_{0}\n#define ATTN_TENSOR_{0}\n"
                      "typedef struct {{\n  void *allocated, *data;\n"
                      "  int64_t offset;\n",
                      rank);
  if (rank)
    os << llvm::formatv("  int64_t sizes[{0}], strides[{0}];\n", rank);
  os << llvm::formatv("} attn_tensor_{0};\n"
                      "/* `data` as a tensor whose elements follow each "
                      "other. */\n"
                      "static inline attn_tensor_{0} attn_make_{0}(void *data",
                      rank);
  for (size_t d = 0; d < rank; ++d)
    os << ", int64_t size" << d;
  os << llvm::formatv(") {{\n  attn_tensor_{0} tensor;\n"
                      "  tensor.allocated = tensor.data = data;\n"
                      "  tensor.offset = 0;\n",
                      rank);
  for (size_t d = 0; d < rank; ++d)
    os << llvm::formatv("  tensor.sizes[{0}] = size{0};\n", d);
  for (size_t d = rank; d-- > 0;)
    if (d + 1 == rank)
      os << llvm::formatv("  tensor.strides[{0}] = 1;\n", d);
    else
      os << llvm::formatv("  tensor.strides[{0}] = tensor.strides[{1}] * "
                          "size{1};\n",
                          d, d + 1);
  os << "  return tensor;\n}\n";
  os << llvm::formatv("/* Whether the elements follow each other, from `data` "
                      "on. */\n"
                      "static inline int attn_is_dense_{0}(const "
                      "attn_tensor_{0} *tensor) {{\n",
                      rank);
  if (rank)
    os << llvm::formatv("  int64_t stride = 1;\n"
                        "  for (int d = {0}; d-- > 0; stride *= "
                        "tensor->sizes[d])\n"
                        "    if (tensor->sizes[d] != 1 && "
                        "tensor->strides[d] != stride)\n"
                        "      return 0;\n",
                        rank);
  os << "  return tensor->offset == 0;\n}\n#endif\n";
}

/// What has to hold of arguments: a condition of C for each, with the number of
/// the argument that is wrong if it does not.
static std::vector<std::pair<size_t, std::string>>
conditionsOf(const FunctionSignature &function) {
  std::vector<std::pair<size_t, std::string>> conditions;
  auto sizeOf = [](int64_t argument, int64_t dimension) {
    return llvm::formatv("argument{0}->sizes[{1}]", argument, dimension).str();
  };
  for (auto [index, argument] : llvm::enumerate(function.arguments))
    for (auto [dimension, size] : llvm::enumerate(argument.shape))
      conditions.emplace_back(index,
                              sizeOf(index, dimension) +
                                  (size < 0 ? std::string(" >= 0")
                                            : " == " + std::to_string(size)));
  for (const SizeConstraint &equal : function.equal)
    for (auto [index, place] : llvm::enumerate(equal.places)) {
      auto sizeAt = [&](const SizeConstraint::Place &place) {
        return sizeOf(place.argument, place.dim) + (place.more ? " - 1" : "");
      };
      std::string size = sizeAt(place) + " == ";
      if (equal.value)
        conditions.emplace_back(place.argument,
                                size + std::to_string(*equal.value));
      else if (index > 0)
        conditions.emplace_back(place.argument, size + sizeAt(equal.places[0]));
    }
  for (auto [index, argument] : llvm::enumerate(function.arguments))
    conditions.emplace_back(index,
                            llvm::formatv("attn_is_dense_{0}(argument{1})",
                                          argument.shape.size(), index)
                                .str());
  return conditions;
}

static void writeFunction(const FunctionSignature &function,
                          llvm::raw_ostream &os) {
  const std::string &name = function.name;
  os << "\n/* Arguments:\n";
  for (auto [index, argument] : llvm::enumerate(function.arguments))
    os << "     " << index << ": " << argument.describe()
       << (argument.role.empty() ? "" : ", " + argument.role) << '\n';
  os << "   Results:\n";
  for (auto [index, result] : llvm::enumerate(function.results))
    os << "     " << index << ": " << result.describe() << '\n';
  os << "   Returns 0; or, if an argument has a wrong size or is not dense, "
        "its "
        "number,\n   from 1 on, and does nothing. May be called by several "
        "threads. */\n";
  if (!function.results.empty()) {
    os << "typedef struct {\n";
    for (auto [index, result] : llvm::enumerate(function.results))
      os << "  attn_tensor_" << result.shape.size() << " result" << index
         << ";\n";
    os << "} attn_" << name << "_results;\n";
  }
  os << llvm::formatv("#ifdef __cplusplus\nextern \"C\"\n#endif\n"
                      "void attn_call_{0}(void **slots);\n"
                      "static inline int attn_{0}(",
                      name);
  llvm::ListSeparator parameter, slot;
  std::string slots;
  if (!function.results.empty()) {
    os << parameter << "attn_" << name << "_results *results";
    slots += (llvm::StringRef(slot) + "results").str();
  }
  for (auto [index, argument] : llvm::enumerate(function.arguments)) {
    os << parameter << "const attn_tensor_" << argument.shape.size()
       << " *argument" << index;
    slots += (llvm::StringRef(slot) + "(void *)argument").str() +
             std::to_string(index);
  }
  os << (slots.empty() ? "void) {\n" : ") {\n");
  for (auto &[argument, condition] : conditionsOf(function))
    os << "  if (!(" << condition << "))\n    return " << argument + 1 << ";\n";
  // An array of no elements is not C.
  os << "  void *slots[] = {" << (slots.empty() ? "0" : slots) << "};\n"
     << "  attn_call_" << name << "(slots);\n  return 0;\n}\n";
}

llvm::Expected<std::string>
attn::makeCHeader(llvm::ArrayRef<FunctionSignature> functions) {
  std::set<size_t> ranks;
  for (const FunctionSignature &function : functions) {
    if (!llvm::all_of(function.name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; }))
      return llvm::createStringError(
          "function '" + function.name +
          "': expected a name of letters, digits and _, as C has");
    for (const TensorSignature &tensor : function.arguments)
      ranks.insert(tensor.shape.size());
    for (const TensorSignature &tensor : function.results)
      ranks.insert(tensor.shape.size());
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  os << preamble;
  for (size_t rank : ranks)
    writeRank(rank, os);
  for (const FunctionSignature &function : functions)
    writeFunction(function, os);
  return text;
}
