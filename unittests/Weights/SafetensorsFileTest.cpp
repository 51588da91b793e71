// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/SafetensorsFile.h"
#include "attn/Weights/WriteSafetensors.h"

#include "../TestFiles.h"
#include "llvm/Support/Endian.h"
#include "gmock/gmock.h"
#include <filesystem>
#include <numeric>

using namespace attn;
using namespace attn::test;
using testing::ElementsAre;

/// A file with this header and as many bytes 0, 1, 2 … behind it.
static std::string safetensors(llvm::StringRef header, size_t dataSize) {
  std::string content(8, '\0');
  llvm::support::endian::write64le(content.data(), header.size());
  content += header;
  for (size_t i = 0; i < dataSize; ++i)
    content += static_cast<char>(i);
  return content;
}

/// The kilobytes of mapped files that this process holds in memory.
static int64_t mappedKilobytes() {
  for (llvm::StringRef line : readLines("/proc/self/status")) {
    int64_t result;
    if (line.consume_front("RssFile:") &&
        !line.trim().consumeInteger(10, result))
      return result;
  }
  return -1;
}

namespace {

class SafetensorsFileTest : public testing::Test {
protected:
  /// The error about a file with this content, without the path at its front.
  std::string errorOf(llvm::StringRef content) {
    std::string path = directory.write("model.safetensors", content);
    std::string message = messageOf(SafetensorsFile::open(path));
    if (message == "success")
      return message;
    EXPECT_THAT(message, testing::StartsWith(path + ": "));
    return message.substr(path.size() + 2);
  }

  std::unique_ptr<SafetensorsFile> open(llvm::StringRef content) {
    auto file =
        SafetensorsFile::open(directory.write("model.safetensors", content));
    EXPECT_TRUE(bool(file)) << llvm::toString(file.takeError());
    return file ? std::move(*file) : nullptr;
  }

  TemporaryDirectory directory;
};

TEST_F(SafetensorsFileTest, givesNamedViews) {
  auto file = open(safetensors(R"({"__metadata__": {"format": "pt"},
      "b": {"dtype": "F32", "shape": [2, 1], "data_offsets": [2, 10]},
      "a": {"dtype": "BF16", "shape": [], "data_offsets": [0, 2]},
      "empty": {"dtype": "I64", "shape": [4294967296, 4294967296, 0], "data_offsets": [2, 2]}})",
                               10));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path(), directory.path("model.safetensors"));
  EXPECT_THAT(file->names(), ElementsAre("a", "empty", "b"));
  EXPECT_TRUE(file->contains("b"));
  EXPECT_FALSE(file->contains("__metadata__"));

  llvm::Expected<Weight> b = file->find("b");
  ASSERT_TRUE(bool(b));
  EXPECT_EQ(b->type, WeightType::F32);
  EXPECT_THAT(b->shape, ElementsAre(2, 1));
  EXPECT_THAT(b->bytes, ElementsAre(2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(b->numElements(), 2);

  llvm::Expected<Weight> a = file->find("a");
  ASSERT_TRUE(bool(a));
  EXPECT_TRUE(a->shape.empty());
  EXPECT_EQ(a->numElements(), 1);

  llvm::Expected<Weight> empty = file->find("empty");
  ASSERT_TRUE(bool(empty));
  EXPECT_EQ(empty->numElements(), 0);
  file->release(*empty);
}

TEST_F(SafetensorsFileTest, acceptsAFileWithoutTensors) {
  auto file = open(safetensors("{}", 0));
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->names().empty());
}

TEST_F(SafetensorsFileTest, knowsSizesAndNamesOfTypes) {
  EXPECT_EQ(sizeInBytes(WeightType::F64), 8u);
  EXPECT_EQ(sizeInBytes(WeightType::BF16), 2u);
  EXPECT_EQ(sizeInBytes(WeightType::Bool), 1u);
  EXPECT_EQ(nameOf(WeightType::F16), "F16");
  EXPECT_EQ(nameOf(WeightType::Bool), "BOOL");
}

TEST_F(SafetensorsFileTest, mapsTheShippedModel) {
  auto opened =
      SafetensorsFile::open(ATTN_MODELS_DIR "/tatoeba-en-fr/model.safetensors");
  ASSERT_TRUE(bool(opened)) << llvm::toString(opened.takeError());
  SafetensorsFile &file = **opened;
  llvm::Expected<Weight> embedding = file.find("model.shared.weight");
  ASSERT_TRUE(bool(embedding)) << llvm::toString(embedding.takeError());
  EXPECT_EQ(embedding->type, WeightType::F16);
  EXPECT_THAT(embedding->shape, ElementsAre(8001, 256));
  // The padding token's row is zero.
  for (uint8_t byte : embedding->bytes.take_back(512))
    EXPECT_EQ(byte, 0);
  for (llvm::StringRef name : file.names())
    EXPECT_TRUE(bool(file.find(name))) << name.str();
}

TEST_F(SafetensorsFileTest, releasesPagesAndGetsThemBack) {
  size_t size = 16 << 20;
  auto file = open(safetensors(
      R"({"a": {"dtype": "U8", "shape": [)" + std::to_string(size) +
          R"(], "data_offsets": [0, )" + std::to_string(size) + "]}}",
      size));
  ASSERT_TRUE(file);
  llvm::Expected<Weight> weight = file->find("a");
  ASSERT_TRUE(bool(weight));
  auto sum = [&] {
    return std::accumulate(weight->bytes.begin(), weight->bytes.end(),
                           uint64_t(0));
  };
  uint64_t expected = size / 256 * (255 * 256 / 2);
  int64_t before = mappedKilobytes();
  EXPECT_EQ(sum(), expected);
  EXPECT_GT(mappedKilobytes(), before + 8192);
  file->release(*weight);
  EXPECT_LT(mappedKilobytes(), before + 4096);
  EXPECT_EQ(sum(), expected);
}

TEST_F(SafetensorsFileTest, rejectsWhatIsNoFile) {
  std::string path = directory.path("absent.safetensors");
  EXPECT_EQ(messageOf(SafetensorsFile::open(path)),
            path + ": cannot read the weights file: no such file or directory");
  EXPECT_EQ(messageOf(SafetensorsFile::open(directory.path())),
            directory.path() +
                ": expected a regular file, got a directory or device");
}

TEST_F(SafetensorsFileTest, rejectsTruncatedFiles) {
  EXPECT_EQ(errorOf(""), "expected a safetensors file of at least 8 bytes, got "
                         "0; hint: the file may be cut off");
  EXPECT_EQ(errorOf("1234567"), "expected a safetensors file of at least 8 "
                                "bytes, got 7; hint: the file may be cut off");
  std::string whole = safetensors(
      R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})", 8);
  EXPECT_EQ(errorOf(whole), "success");
  EXPECT_EQ(
      errorOf(llvm::StringRef(whole).drop_back()),
      R"(tensor "a": expected data_offsets [begin,end] with begin <= end )"
      "<= 7 (the bytes that follow the header), got [0,8]");
  // No prefix of a file may pass, or crash.
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_NE(errorOf(llvm::StringRef(whole).take_front(size)), "success");
}

TEST_F(SafetensorsFileTest, rejectsWrongHeaderLengths) {
  const std::string hint =
      "; hint: the file may be cut off or not in the safetensors format";
  EXPECT_EQ(errorOf(std::string("\x03\0\0\0\0\0\0\0{}", 10)),
            "expected a header of at most 2 bytes, got the length 3" + hint);
  EXPECT_EQ(errorOf(std::string(8, '\xff') + "{}"),
            "expected a header of at most 2 bytes, got the length "
            "18446744073709551615" +
                hint);
  // Files of holes take no room.
  std::string path = directory.write(
      "model.safetensors", std::string("\x01\xe1\xf5\x05\0\0\0\0", 8));
  std::filesystem::resize_file(path, 100'000'009);
  EXPECT_EQ(messageOf(SafetensorsFile::open(path)),
            path +
                ": expected a header of at most 100000000 bytes, got the "
                "length 100000001" +
                hint);
}

TEST_F(SafetensorsFileTest, rejectsHeadersThatAreNoObject) {
  EXPECT_EQ(errorOf(safetensors("", 0)),
            "header: expected JSON, got an error at [1:0, byte=0]: Unexpected "
            "EOF");
  EXPECT_EQ(errorOf(safetensors("[]", 0)),
            "header: expected a JSON object, got []");
  EXPECT_EQ(errorOf(safetensors(std::string(100, '['), 0)),
            "header: expected JSON nested at most 64 levels deep, got more");
}

TEST_F(SafetensorsFileTest, rejectsMalformedTensors) {
  auto tensor = [&](llvm::StringRef fields) {
    return errorOf(safetensors(("{\"a\": " + fields + "}").str(), 8));
  };
  EXPECT_EQ(tensor("1"), R"(tensor "a": expected an object, got 1)");
  EXPECT_EQ(tensor("{}"),
            R"(tensor "a": expected a string for dtype, got nothing)");
  EXPECT_EQ(tensor(R"({"dtype": 3})"),
            R"(tensor "a": expected a string for dtype, got 3)");
  EXPECT_EQ(tensor(R"({"dtype": "F32", "shape": 2})"),
            R"(tensor "a": expected an array for shape, got 2)");
  for (llvm::StringRef shape : {"[-1]", "[1.5]", "[null]", "[1e30]"})
    EXPECT_THAT(
        tensor((R"({"dtype": "F32", "shape": )" + shape + "}").str()),
        testing::HasSubstr("expected a shape of integers from 0, got ["));
  EXPECT_EQ(
      tensor(R"({"dtype": "F32", "shape": [2]})"),
      R"(tensor "a": expected two integers for data_offsets, got nothing)");
  EXPECT_EQ(tensor(R"({"dtype": "F32", "shape": [2], "data_offsets": [0]})"),
            R"(tensor "a": expected two integers for data_offsets, got [0])");
  EXPECT_EQ(
      tensor(R"({"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]})"),
      R"(tensor "a": expected two integers from 0 for data_offsets, got [-8,0])");
}

TEST_F(SafetensorsFileTest, rejectsWrongRanges) {
  auto tensor = [&](llvm::StringRef shape, llvm::StringRef offsets) {
    return errorOf(safetensors((R"({"a": {"dtype": "F32", "shape": )" + shape +
                                R"(, "data_offsets": )" + offsets + "}}")
                                   .str(),
                               8));
  };
  EXPECT_EQ(tensor("[2]", "[0, 8]"), "success");
  const std::string range = R"(tensor "a": expected data_offsets [begin,end] )"
                            "with begin <= end <= 8 (the bytes that follow the "
                            "header), got ";
  EXPECT_EQ(tensor("[2]", "[8, 0]"), range + "[8,0]");
  EXPECT_EQ(tensor("[2]", "[0, 9]"), range + "[0,9]");
  EXPECT_EQ(tensor("[2]", "[18446744073709551608, 18446744073709551615]"),
            range + "[18446744073709551608,18446744073709551615]");
  EXPECT_EQ(tensor("[3]", "[0, 8]"),
            R"(tensor "a": expected 12 bytes for F32 of shape [3], got 8)");
  EXPECT_EQ(tensor("[]", "[0, 8]"),
            R"(tensor "a": expected 4 bytes for F32 of shape [], got 8)");
  // 2^31 * 2^31 * 4 is 2^64, which is 0 in 64 bits.
  EXPECT_EQ(tensor("[2147483648, 2147483648]", "[0, 0]"),
            R"(tensor "a": expected 2^63 or more bytes for F32 of shape )"
            "[2147483648,2147483648], got 0");
}

TEST_F(SafetensorsFileTest, rejectsOverlapsAndGaps) {
  auto tensors = [&](llvm::StringRef first, llvm::StringRef second) {
    std::string header;
    for (auto [name, range] : {std::pair("a", first), std::pair("b", second)})
      header += (llvm::Twine(header.empty() ? "{" : ", ") + "\"" + name +
                 R"(": {"dtype": "F32", "shape": [1], "data_offsets": )" +
                 range + "}")
                    .str();
    return errorOf(safetensors(header + "}", 8));
  };
  EXPECT_EQ(tensors("[0, 4]", "[4, 8]"), "success");
  EXPECT_EQ(tensors("[4, 8]", "[0, 4]"), "success");
  EXPECT_EQ(tensors("[0, 4]", "[2, 6]"),
            R"(tensor "b": expected to begin where the one before it ends, at )"
            "byte 4, got 2");
  EXPECT_EQ(tensors("[0, 4]", "[0, 4]"),
            R"(tensor "b": expected to begin where the one before it ends, at )"
            "byte 4, got 0");
  EXPECT_EQ(
      errorOf(safetensors(
          R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}})",
          2)),
      R"(tensor "a": expected to begin where the one before it ends, at )"
      "byte 0, got 1");
  EXPECT_EQ(
      errorOf(safetensors(
          R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})",
          3)),
      "expected 1 bytes of tensors, got 3");
}

TEST_F(SafetensorsFileTest, rejectsUnknownTypesOnlyWhenAsked) {
  auto file = open(safetensors(
      R"({"a": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [0, 2]},
          "b": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}})",
      4));
  ASSERT_TRUE(file);
  EXPECT_TRUE(bool(file->find("b")));
  EXPECT_EQ(messageOf(file->find("a")),
            file->path().str() +
                R"(: tensor "a": expected dtype F64, F32, F16, BF16, I64, )"
                R"(I32, I16, I8, U8 or BOOL, got "F8_E4M3")");
  EXPECT_EQ(messageOf(file->find("c\nd")),
            file->path().str() +
                R"(: expected a tensor "c\nd", got 2 tensors of other names)");
}

TEST(WriteSafetensors, IsReadAsItWasWritten) {
  TemporaryDirectory directory;
  std::vector<int64_t> shape = {2, 3}, scalar, none = {0, 5};
  std::vector<uint8_t> bytes = {1, 2, 3, 4, 5, 255};
  std::vector<NamedWeight> tensors = {
      {"m.weight", {WeightType::I8, shape, bytes}},
      {"h\"x\\y",
       {WeightType::F32, scalar, llvm::ArrayRef(bytes).take_front(4)}},
      {"empty", {WeightType::BF16, none, {}}}};
  std::string written;
  llvm::Error error = writeSafetensors(tensors, [&](llvm::StringRef piece) {
    written += piece;
    return llvm::Error::success();
  });
  ASSERT_EQ(llvm::toString(std::move(error)), "");
  std::string path = directory.write("out.safetensors", written);
  auto file = SafetensorsFile::open(path);
  ASSERT_EQ(file ? "" : llvm::toString(file.takeError()), "");
  EXPECT_EQ((*file)->names().size(), 3u);
  for (const NamedWeight &tensor : tensors) {
    llvm::Expected<Weight> weight = (*file)->find(tensor.name);
    ASSERT_EQ(weight ? "" : llvm::toString(weight.takeError()), "");
    EXPECT_EQ(weight->type, tensor.weight.type);
    EXPECT_EQ(weight->shape, tensor.weight.shape);
    EXPECT_EQ(weight->bytes, tensor.weight.bytes);
  }
  auto first = (*file)->find("m.weight");
  ASSERT_TRUE(bool(first));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first->bytes.data()) % 64, 0u);
}

TEST(WriteSafetensors, StopsAtTheFirstError) {
  int pieces = 0;
  llvm::Error error = writeSafetensors({}, [&](llvm::StringRef) {
    return llvm::createStringError(std::to_string(++pieces));
  });
  EXPECT_EQ(llvm::toString(std::move(error)), "1");
}

} // namespace
