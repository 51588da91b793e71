// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files of weights, and what a WeightsStore makes of them.

#ifndef ATTN_UNITTESTS_EXECUTION_WEIGHTSSTOREFIXTURE_H
#define ATTN_UNITTESTS_EXECUTION_WEIGHTSSTOREFIXTURE_H

#include "attn/Execution/WeightsStore.h"

#include "../TestFiles.h"

#include "llvm/Support/Endian.h"

#include <gmock/gmock.h>

namespace attn::test {

/// A safetensors file in the making.
class FileBuilder {
public:
  void add(llvm::StringRef name, llvm::StringRef type, llvm::StringRef shape,
           llvm::StringRef bytes) {
    header += (header.empty() ? "{\"" : ",\"") + name.str() +
              "\":{\"dtype\":\"" + type.str() + "\",\"shape\":" + shape.str() +
              ",\"data_offsets\":[" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + bytes.size()) + "]}";
    data += bytes.str();
  }

  void addFloats(llvm::StringRef name, llvm::StringRef shape,
                 llvm::ArrayRef<float> values) {
    add(name, "F32", shape,
        {reinterpret_cast<const char *>(values.data()), values.size() * 4});
  }

  void addHalves(llvm::StringRef name, llvm::StringRef type,
                 llvm::StringRef shape, llvm::ArrayRef<uint16_t> values) {
    add(name, type, shape,
        {reinterpret_cast<const char *>(values.data()), values.size() * 2});
  }

  /// `pad` spaces move the data away from where they would be aligned.
  std::string write(const TemporaryDirectory &directory, size_t pad = 0) {
    std::string text = header + "}" + std::string(pad, ' ');
    char length[8];
    llvm::support::endian::write64le(length, text.size());
    return directory.write("model.safetensors",
                           std::string(length, 8) + text + data);
  }

private:
  std::string header, data;
};

inline WeightRecipe recipe(std::vector<std::string> sources,
                           std::vector<int64_t> shape, int64_t panel = 0,
                           ElementType type = ElementType::F32) {
  WeightRecipe result;
  result.name = "w";
  result.sources = std::move(sources);
  result.shape = std::move(shape);
  result.panel = panel;
  result.type = type;
  return result;
}

inline std::vector<float> numbers(size_t count, float first = 1) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = first + float(i);
  return values;
}

/// The definition of a packed weight, element by element.
inline std::vector<float> packed(const std::vector<float> &values, int64_t rows,
                                 int64_t columns, int64_t panel) {
  int64_t panels = (rows + panel - 1) / panel;
  std::vector<float> result(panels * columns * panel, 0);
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t k = 0; k < columns; ++k)
      result[((n / panel) * columns + k) * panel + n % panel] =
          values[n * columns + k];
  return result;
}

class WeightsStoreTest : public testing::Test {
protected:
  /// What the store makes of one recipe, or its error.
  template <typename T = float>
  std::vector<T> make(llvm::StringRef path, const WeightRecipe &recipe,
                      unsigned threads = 2) {
    auto store = WeightsStore::create(path, {recipe}, threads);
    EXPECT_EQ(store ? "" : llvm::toString(store.takeError()), "");
    if (!store)
      return {};
    void *pointer = (*store)->pointers()[0];
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % 64, 0u);
    T *elements = static_cast<T *>(pointer);
    return {elements, elements + recipe.storedElements()};
  }

  TemporaryDirectory directory;
};

} // namespace attn::test

#endif // ATTN_UNITTESTS_EXECUTION_WEIGHTSSTOREFIXTURE_H
