// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/NpyFile.h"

#include "../TestFiles.h"

#include "llvm/Support/Endian.h"

#include <gmock/gmock.h>

using namespace attn;
using namespace attn::test;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

namespace {

/// The bytes of a .npy file with any header.
std::string npy(llvm::StringRef header, llvm::StringRef data, int major = 1) {
  char length[4];
  llvm::support::endian::write32le(length, header.size());
  return std::string("\x93NUMPY") + char(major) + '\0' +
         std::string(length, major == 1 ? 2 : 4) + header.str() + data.str();
}

std::string floats(llvm::ArrayRef<float> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * 4};
}

std::vector<float> valuesOf(const Tensor &tensor) {
  return {tensor.data<float>(), tensor.data<float>() + tensor.numElements()};
}

class NpyFile : public testing::Test {
protected:
  std::string errorOf(llvm::StringRef bytes) {
    std::string path = directory.write("bad.npy", bytes);
    std::string message = messageOf(readNpy(path));
    llvm::StringRef rest = message;
    EXPECT_TRUE(rest.consume_front(path + ": ")) << message;
    return rest.str();
  }

  TemporaryDirectory directory;
};

TEST_F(NpyFile, KeepsWhatItWrote) {
  for (ElementType type :
       {ElementType::F64, ElementType::F32, ElementType::F16, ElementType::I64,
        ElementType::I32, ElementType::I8, ElementType::I1}) {
    for (const std::vector<int64_t> &shape :
         {std::vector<int64_t>{}, std::vector<int64_t>{5},
          std::vector<int64_t>{2, 0, 3}, std::vector<int64_t>{2, 3, 4}}) {
      Tensor tensor = Tensor::allocate(type, shape);
      for (size_t i = 0; i < tensor.numBytes(); ++i)
        static_cast<char *>(tensor.rawData())[i] =
            type == ElementType::I1 ? i % 2 : i * 3;
      std::string path = directory.path("a.npy");
      ASSERT_EQ(llvm::toString(writeNpyFiles({{path, tensor}})), "");
      llvm::Expected<Tensor> read = readNpy(path);
      ASSERT_EQ(read ? "" : llvm::toString(read.takeError()), "");
      EXPECT_EQ(read->describe(), tensor.describe());
      EXPECT_EQ(memcmp(read->rawData(), tensor.rawData(), tensor.numBytes()),
                0);
    }
  }
}

TEST_F(NpyFile, WritesAsNumPyDoes) {
  Tensor tensor = Tensor::allocate(ElementType::F32, {2});
  tensor.data<float>()[0] = 1;
  tensor.data<float>()[1] = 2;
  std::string path = directory.path("a.npy");
  ASSERT_EQ(llvm::toString(writeNpyFiles({{path, tensor}})), "");
  std::string bytes = readFile(path);
  EXPECT_EQ(bytes.size(), 128u + 8u);
  EXPECT_THAT(bytes, HasSubstr("{'descr': '<f4', 'fortran_order': False, "
                               "'shape': (2,), }"));
  EXPECT_EQ(bytes[127], '\n');
}

TEST_F(NpyFile, ReadsEveryVersionAndKeyOrder) {
  std::string data = floats({1, 2});
  for (int major : {1, 2, 3}) {
    std::string path = directory.write(
        "a.npy", npy("{\"shape\":(1, 2),'fortran_order':False,'descr':'<f4'}\n",
                     data, major));
    llvm::Expected<Tensor> tensor = readNpy(path);
    ASSERT_EQ(tensor ? "" : llvm::toString(tensor.takeError()), "");
    EXPECT_THAT(valuesOf(*tensor), ElementsAre(1, 2));
    EXPECT_EQ(tensor->describe(), "f32 [1,2]");
  }
}

TEST_F(NpyFile, TurnsFortranOrderIntoRows) {
  std::string path = directory.write(
      "a.npy",
      npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n",
          floats({1, 4, 2, 5, 3, 6})));
  llvm::Expected<Tensor> tensor = readNpy(path);
  ASSERT_EQ(tensor ? "" : llvm::toString(tensor.takeError()), "");
  EXPECT_THAT(valuesOf(*tensor), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST_F(NpyFile, TruthValuesAreZeroOrOne) {
  std::string path = directory.write(
      "a.npy",
      npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }\n",
          llvm::StringRef("\0\1\7", 3)));
  llvm::Expected<Tensor> tensor = readNpy(path);
  ASSERT_EQ(tensor ? "" : llvm::toString(tensor.takeError()), "");
  EXPECT_EQ(tensor->data<uint8_t>()[2], 1);
}

TEST_F(NpyFile, Bf16HasNoName) {
  std::string path = directory.write(
      "a.npy",
      npy("{'descr': '<V2', 'fortran_order': False, 'shape': (2,), }\n",
          llvm::StringRef("\x80\x3f\x00\x40", 4)));
  llvm::Expected<Tensor> tensor = readNpy(path);
  ASSERT_EQ(tensor ? "" : llvm::toString(tensor.takeError()), "");
  EXPECT_EQ(tensor->describe(), "bf16 [2]");
  std::string copy = directory.path("b.npy");
  ASSERT_EQ(llvm::toString(writeNpyFiles({{copy, *tensor}})), "");
  llvm::Expected<Tensor> again = readNpy(copy);
  ASSERT_EQ(again ? "" : llvm::toString(again.takeError()), "");
  EXPECT_EQ(again->describe(), "bf16 [2]");
  EXPECT_EQ(again->data<uint16_t>()[0], 0x3f80);
  EXPECT_EQ(again->data<uint16_t>()[1], 0x4000);
}

TEST_F(NpyFile, RefusesOtherFiles) {
  EXPECT_EQ(errorOf(""), "not a .npy file");
  EXPECT_EQ(errorOf("\x93NUMPY"), "not a .npy file");
  EXPECT_EQ(errorOf("PK\x03\x04 this is an archive"), "not a .npy file");
  EXPECT_EQ(errorOf(npy("{}", "", 9)), "expected .npy version 1 to 3, got 9");
  std::string missing = directory.path("missing.npy");
  EXPECT_EQ(messageOf(readNpy(missing)),
            missing + ": cannot read the file: no such file or directory");
  EXPECT_THAT(messageOf(readNpy(directory.path())), EndsWith("is a directory"));
}

TEST_F(NpyFile, RefusesTruncatedFiles) {
  EXPECT_EQ(errorOf("\x93NUMPY\x01"), "not a .npy file");
  EXPECT_EQ(errorOf(std::string("\x93NUMPY\x01\0\x10", 9)),
            "expected 2 bytes of header length, got 1; the file is truncated");
  EXPECT_EQ(
      errorOf(std::string("\x93NUMPY\x02\0\xff\xff\xff\xff{", 13)),
      "expected 4294967295 bytes of header, got 1; the file is truncated");
  EXPECT_EQ(
      errorOf(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
                  "12345678")),
      "expected 12 bytes of data, got 8; the file is truncated");
}

TEST_F(NpyFile, RefusesHeadersThatLie) {
  EXPECT_EQ(
      errorOf(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
                  "12345678")),
      "expected 4 bytes of data for f32 [1], got 8");
  EXPECT_EQ(errorOf(npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
                        "(4294967296, 4294967296)}",
                        "12345678")),
            "f32 [4294967296,4294967296] is too large");
  EXPECT_EQ(errorOf(npy("{'descr': '<f4', 'fortran_order': False, 'shape': "
                        "(0, 9223372036854775807, 4)}",
                        "")),
            "f32 [0,9223372036854775807,4] is too large");
}

TEST_F(NpyFile, RefusesMalformedHeaders) {
  for (llvm::StringRef header :
       {"", "{", "{}", "shape", "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3 4)}",
        "{'descr': '<f4', 'fortran_order': 1, 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} x",
        "{'descr': '<f4', 'descr': '<f4', 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False 'shape': (3,)}",
        "{'descr':'<f4','fortran_order':False,'shape':(99999999999999999999,)}",
        "{'other': '<f4', 'fortran_order': False, 'shape': (3,)}"})
    EXPECT_EQ(errorOf(npy(header, "123456789012")), "malformed .npy header")
        << header.str();
}

TEST_F(NpyFile, NamesElementTypesItDoesNotRead) {
  for (llvm::StringRef type : {">f4", "<u4", "<c8", "|O", "<V4", "bfloat16"})
    EXPECT_EQ(
        errorOf(npy("{'descr': '" + type.str() +
                        "', 'fortran_order': False, 'shape': (1,)}",
                    "1234")),
        "expected element type <f8, <f4, <f2, <V2 (bf16), <i8, <i4, |i1 or "
        "|b1, got " +
            type.str());
  EXPECT_THAT(errorOf(npy("{'descr': [('a', '<f4')], 'fortran_order': False, "
                          "'shape': (1,)}",
                          "1234")),
              EndsWith("got structured"));
}

TEST_F(NpyFile, WritesAllFilesOrNone) {
  Tensor good = Tensor::allocate(ElementType::F32, {2});
  std::fill_n(good.data<float>(), 2, 1.0f);
  std::string first = directory.path("first.npy");
  std::string second = directory.path("missing/second.npy");
  EXPECT_EQ(llvm::toString(writeNpyFiles({{first, good}, {second, good}})),
            "cannot write " + second + ": no such file or directory");
  EXPECT_FALSE(llvm::sys::fs::exists(first));
  std::error_code code;
  EXPECT_EQ(llvm::sys::fs::directory_iterator(directory.path(), code),
            llvm::sys::fs::directory_iterator());
}

} // namespace
