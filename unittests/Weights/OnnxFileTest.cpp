// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/OnnxFile.h"

#include "../TestFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "gmock/gmock.h"

using namespace attn;
using namespace attn::test;
using testing::ElementsAre;
using testing::HasSubstr;

// Messages are written here by hand: the fields' numbers are those of ONNX's
// onnx.proto.

static std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7)
    bytes += char(value | 0x80);
  return bytes + char(value);
}

/// A field of an integer.
static std::string number(uint32_t field, uint64_t value) {
  return varint(field << 3) + varint(value);
}

/// A field of bytes, or of a message.
static std::string bytes(uint32_t field, llvm::StringRef value) {
  return varint(field << 3 | 2) + varint(value.size()) + value.str();
}

static std::string opset(int64_t version) {
  return bytes(8, bytes(1, "") + number(2, version));
}

namespace {

class OnnxFileTest : public testing::Test {
protected:
  std::string errorOf(llvm::StringRef content) {
    std::string path = directory.write("model.onnx", content);
    std::string message = messageOf(OnnxFile::open(path));
    if (message == "success")
      return message;
    EXPECT_THAT(message, testing::StartsWith(path + ": "));
    return message.substr(path.size() + 2);
  }

  std::unique_ptr<OnnxFile> open(llvm::StringRef content) {
    auto file = OnnxFile::open(directory.write("model.onnx", content));
    EXPECT_TRUE(bool(file)) << llvm::toString(file.takeError());
    return file ? std::move(*file) : nullptr;
  }

  TemporaryDirectory directory;
};

TEST_F(OnnxFileTest, givesTheGraph) {
  std::string shape = bytes(1, number(1, 2)) + bytes(1, bytes(2, "length"));
  std::string info =
      bytes(1, "x") + bytes(2, bytes(1, number(1, 1) + bytes(2, shape)));
  std::string attribute =
      bytes(1, "axis") + number(3, uint64_t(-1)) + number(20, 2);
  std::string node = bytes(1, "x") + bytes(1, "") + bytes(2, "y") +
                     bytes(3, "first") + bytes(4, "Softmax") +
                     bytes(5, attribute);
  auto file = open(opset(23) + bytes(7, bytes(1, node) + bytes(2, "g") +
                                            bytes(11, info) + bytes(12, info)));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->opset(), 23);
  const OnnxGraph &graph = file->graph();
  EXPECT_EQ(graph.name, "g");
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.inputs[0].type, OnnxType::Float);
  ASSERT_TRUE(graph.inputs[0].shape && graph.inputs[0].shape->size() == 2);
  EXPECT_EQ(graph.inputs[0].shape->front().value, 2);
  EXPECT_EQ(graph.inputs[0].shape->back().name, "length");
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].operation, "Softmax");
  EXPECT_THAT(graph.nodes[0].inputs, ElementsAre("x", ""));
  ASSERT_EQ(graph.nodes[0].attributes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].attributes[0].integer, -1);
}

TEST_F(OnnxFileTest, givesTensorsInPlaceOrUnpacked) {
  std::string raw = number(1, 2) + number(2, 9) + bytes(8, "raw") +
                    bytes(9, llvm::StringRef("\1\0", 2));
  std::string packed = bytes(1, number(1, 3).substr(1)) + number(2, 7) +
                       bytes(7, varint(5) + varint(uint64_t(-1)) + varint(300));
  auto file = open(bytes(7, bytes(5, raw) + bytes(5, packed)));
  ASSERT_TRUE(file);
  const OnnxTensor &first = file->graph().initializers[0];
  EXPECT_EQ(first.name, "raw");
  EXPECT_THAT(first.bytes, ElementsAre(1, 0));
  EXPECT_FALSE(first.unpacked);
  const OnnxTensor &second = file->graph().initializers[1];
  EXPECT_THAT(second.shape, ElementsAre(3));
  ASSERT_EQ(second.bytes.size(), 24u);
  EXPECT_EQ(second.bytes[0], 5);
  EXPECT_EQ(second.bytes[8], 255);
  EXPECT_EQ(second.bytes[16], 44);
}

TEST_F(OnnxFileTest, findsInitializers) {
  std::string raw = bytes(1, varint(2)) + number(2, 16) + bytes(8, "w") +
                    bytes(9, llvm::StringRef("\0\1\2\3", 4));
  std::string other = number(1, 1) + number(2, 12) + bytes(8, "u") +
                      bytes(9, llvm::StringRef("\0\0\0\0", 4));
  std::unique_ptr<WeightsFile> file =
      open(bytes(7, bytes(5, raw) + bytes(5, other)));
  ASSERT_TRUE(file);
  llvm::Expected<Weight> weight = file->find("w");
  ASSERT_TRUE(bool(weight)) << llvm::toString(weight.takeError());
  EXPECT_EQ(weight->type, WeightType::BF16);
  EXPECT_THAT(weight->shape, ElementsAre(2));
  file->release(*weight);
  EXPECT_THAT(weight->bytes, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(messageOf(file->find("v")),
              HasSubstr("model.onnx: expected an initializer 'v', got 2 of "
                        "other names"));
  EXPECT_THAT(messageOf(file->find("u")),
              HasSubstr("initializer 'u': expected an element type that "
                        "weights may have, got UINT32"));
  EXPECT_EQ(errorOf(bytes(7, bytes(5, raw) + bytes(5, raw))),
            "expected names of initializers to differ, got 'w' twice");
}

/// A model with one tensor of four floats in another file.
static std::string external(llvm::StringRef location, llvm::StringRef offset,
                            llvm::StringRef length) {
  auto entry = [](llvm::StringRef key, llvm::StringRef value) {
    return bytes(13, bytes(1, key) + bytes(2, value));
  };
  return bytes(7,
               bytes(5, number(1, 4) + number(2, 1) + bytes(8, "w") +
                            number(14, 1) + entry("location", location) +
                            entry("offset", offset) + entry("length", length)));
}

TEST_F(OnnxFileTest, mapsExternalData) {
  std::string elements = std::string(64, 'x') + "0123456789abcdef";
  directory.write("weights.bin", elements);
  auto file = open(external("weights.bin", "64", "16"));
  ASSERT_TRUE(file);
  const OnnxTensor &tensor = file->graph().initializers[0];
  EXPECT_TRUE(tensor.isExternal);
  EXPECT_EQ(llvm::toStringRef(tensor.bytes), "0123456789abcdef");
}

TEST_F(OnnxFileTest, refusesExternalDataThatIsNotThere) {
  EXPECT_THAT(messageOf(OnnxFile::open(directory.write(
                  "model.onnx", external("missing.bin", "0", "16")))),
              testing::EndsWith("missing.bin: cannot read the model's external "
                                "data: no such file or directory"));
  directory.write("weights.bin", std::string(64, 'x'));
  EXPECT_EQ(errorOf(external("weights.bin", "56", "16")),
            "tensor 'w': expected 16 bytes from byte 56 of 'weights.bin', got "
            "a file of 64; hint: it may be cut off");
  EXPECT_THAT(errorOf(external("weights.bin", "18446744073709551615", "16")),
              HasSubstr("expected 16 bytes from byte 18446744073709551615"));
  EXPECT_EQ(errorOf(external("weights.bin", "0", "12")),
            "tensor 'w': expected 16 bytes by its type and shape, got 12");
  for (llvm::StringRef path : {"", "/etc/hostname", "../weights.bin"})
    EXPECT_EQ(errorOf(external(path, "0", "16")),
              "tensor 'w': expected external data in the model's folder, got "
              "the path '" +
                  path.str() + "'");
  EXPECT_EQ(errorOf(external("weights.bin", "far away", "16")),
            "tensor 'w': expected a number as the offset of its external data, "
            "got 'far away'");
}

TEST_F(OnnxFileTest, refusesOtherFiles) {
  EXPECT_EQ(errorOf(""), "expected an ONNX model, got an empty file");
  EXPECT_EQ(errorOf(opset(23)),
            "expected an ONNX model with a graph, got none; hint: the file may "
            "be cut off or not an ONNX model");
  EXPECT_THAT(errorOf("\x93NUMPY and something else"),
              HasSubstr("expected a field of an ONNX model at byte"));
  EXPECT_THAT(messageOf(OnnxFile::open(directory.path())),
              testing::EndsWith("expected a regular file, got a directory or "
                                "device"));
  EXPECT_THAT(messageOf(OnnxFile::open(directory.path("missing.onnx"))),
              testing::EndsWith("cannot read the model: no such file or "
                                "directory"));
}

/// Each prefix of a model is an error, or a model; never a read past its end.
TEST_F(OnnxFileTest, survivesTruncation) {
  std::string node = bytes(1, "x") + bytes(4, "Exp") +
                     bytes(5, bytes(1, "a") + bytes(8, varint(300)));
  std::string tensor = number(1, 1) + number(2, 1) + bytes(9, "abcd");
  std::string model = opset(23) + bytes(7, bytes(1, node) + bytes(5, tensor));
  EXPECT_EQ(errorOf(model), "success");
  for (size_t size = 0; size < model.size(); ++size)
    EXPECT_NE(errorOf(llvm::StringRef(model).take_front(size)), "success")
        << size;
}

TEST_F(OnnxFileTest, refusesTensorsThatLie) {
  auto errorOfTensor = [&](llvm::StringRef fields) {
    return errorOf(bytes(7, bytes(5, bytes(8, "w") + fields.str())));
  };
  EXPECT_EQ(errorOfTensor(number(1, 2) + number(2, 1) + bytes(9, "abcd")),
            "tensor 'w': expected 8 bytes by its type and shape, got 4");
  EXPECT_EQ(errorOfTensor(number(1, uint64_t(-2)) + number(2, 1)),
            "tensor 'w': expected sizes that fit in memory, got -2");
  EXPECT_EQ(errorOfTensor(number(1, 1ull << 40) + number(1, 1ull << 40) +
                          number(2, 1)),
            "tensor 'w': expected sizes that fit in memory, got "
            "1099511627776x1099511627776");
  EXPECT_EQ(errorOfTensor(number(1, 2) + number(2, 1) + number(14, 1) +
                          bytes(13, bytes(1, "length") + bytes(2, "4"))),
            "tensor 'w': expected 8 bytes by its type and shape, got 4");
  EXPECT_EQ(errorOfTensor(bytes(3, "")),
            "tensor 'w': expected whole tensors, got a segment of one");
  EXPECT_EQ(errorOf(bytes(7, bytes(15, ""))),
            "expected dense initializers, got a sparse one");
}

TEST_F(OnnxFileTest, refusesGraphsThatNestTooDeeply) {
  auto nested = [](int depth) {
    std::string graph;
    for (int i = 0; i < depth; ++i)
      graph = bytes(1, bytes(5, bytes(6, graph)));
    return bytes(7, graph);
  };
  EXPECT_EQ(errorOf(nested(32)), "success");
  EXPECT_EQ(errorOf(nested(33)), "expected graphs in at most 32 others");
}

TEST_F(OnnxFileTest, refusesFieldsWithoutANumber) {
  EXPECT_THAT(errorOf(bytes(7, "") + number(0, 1)),
              HasSubstr("expected a field of an ONNX model at byte 4, got "
                        "something else"));
}

} // namespace
