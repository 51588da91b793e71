// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxParser.h"

#include "ProtobufReader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SaveAndRestore.h"
#include <cstring>

using namespace llvm;
using namespace attn;

namespace {

/// Parses the messages of onnx.proto; keeps the first error. Field numbers are
/// those of that file.
class ModelParser {
public:
  explicit ModelParser(StringRef file) : file(file) {}

  void parseModel(OnnxGraph &graph, int64_t &version);
  std::string message;

private:
  void parseOpset(StringRef bytes, int64_t &version);
  void parseGraph(StringRef bytes, OnnxGraph &graph);
  void parseNode(StringRef bytes, OnnxNode &node);
  void parseAttribute(StringRef bytes, OnnxAttribute &attribute);
  void parseTensor(StringRef bytes, OnnxTensor &tensor);
  void checkSize(const OnnxTensor &tensor, size_t elementSize);
  void parseExternal(StringRef bytes, OnnxTensor &tensor);
  void parseValueInfo(StringRef bytes, OnnxValueInfo &info);
  void parseTensorType(StringRef bytes, OnnxValueInfo &info);
  void parseShape(StringRef bytes, OnnxValueInfo &info);

  /// Calls `visit` with a reader at each field of a message.
  void forEachField(StringRef bytes,
                    function_ref<void(ProtobufReader &)> visit) {
    ProtobufReader reader(bytes);
    while (message.empty() && reader.next())
      visit(reader);
    if (reader.failed())
      fail("expected a field of an ONNX model at byte " +
           Twine(reader.position() - file.data()) +
           ", got something else; hint: the file may be cut off or not an "
           "ONNX model");
  }

  void fail(const Twine &text) {
    if (message.empty())
      message = text.str();
  }

  StringRef file;
  /// How many graphs the one that is parsed is in.
  int64_t depth = 0;
};

} // namespace

void ModelParser::parseModel(OnnxGraph &graph, int64_t &version) {
  bool hasGraph = false;
  forEachField(file, [&](ProtobufReader &reader) {
    if (reader.field() == 7) {
      hasGraph = true;
      parseGraph(reader.getBytes(), graph);
    } else if (reader.field() == 8) {
      parseOpset(reader.getBytes(), version);
    }
  });
  if (!hasGraph)
    fail("expected an ONNX model with a graph, got none; hint: the file may be "
         "cut off or not an ONNX model");
}

void ModelParser::parseOpset(StringRef bytes, int64_t &version) {
  StringRef domain;
  int64_t number = 0;
  forEachField(bytes, [&](ProtobufReader &reader) {
    if (reader.field() == 1)
      domain = reader.getBytes();
    else if (reader.field() == 2)
      number = reader.getInt();
  });
  if (domain.empty() || domain == "ai.onnx")
    version = number;
}

void ModelParser::parseGraph(StringRef bytes, OnnxGraph &graph) {
  constexpr int64_t kDeepest = 32;
  if (depth > kDeepest)
    return fail("expected graphs in at most " + Twine(kDeepest) + " others");
  llvm::SaveAndRestore deeper(depth, depth + 1);
  forEachField(bytes, [&](ProtobufReader &reader) {
    switch (reader.field()) {
    case 1:
      return parseNode(reader.getBytes(), graph.nodes.emplace_back());
    case 2:
      graph.name = reader.getBytes();
      return;
    case 5:
      return parseTensor(reader.getBytes(), graph.initializers.emplace_back());
    case 11:
      return parseValueInfo(reader.getBytes(), graph.inputs.emplace_back());
    case 12:
      return parseValueInfo(reader.getBytes(), graph.outputs.emplace_back());
    case 15:
      return fail("expected dense initializers, got a sparse one");
    default:
      return;
    }
  });
}

void ModelParser::parseNode(StringRef bytes, OnnxNode &node) {
  forEachField(bytes, [&](ProtobufReader &reader) {
    switch (reader.field()) {
    case 1:
      node.inputs.push_back(reader.getBytes());
      return;
    case 2:
      node.outputs.push_back(reader.getBytes());
      return;
    case 3:
      node.name = reader.getBytes();
      return;
    case 4:
      node.operation = reader.getBytes();
      return;
    case 5:
      return parseAttribute(reader.getBytes(), node.attributes.emplace_back());
    case 7:
      node.domain = reader.getBytes();
      return;
    default:
      return;
    }
  });
}

void ModelParser::parseAttribute(StringRef bytes, OnnxAttribute &attribute) {
  forEachField(bytes, [&](ProtobufReader &reader) {
    switch (reader.field()) {
    case 1:
      attribute.name = reader.getBytes();
      return;
    case 2:
      attribute.number = reader.getFloat();
      return;
    case 3:
      attribute.integer = reader.getInt();
      return;
    case 4:
      attribute.string = reader.getBytes();
      return;
    case 5:
      return parseTensor(reader.getBytes(), attribute.tensor);
    case 6:
      attribute.graph.resize(1);
      return parseGraph(reader.getBytes(), attribute.graph.front());
    case 7:
      return reader.addFloats(attribute.numbers);
    case 8:
      return reader.addInts(attribute.integers);
    case 20:
      attribute.kind = OnnxAttribute::Kind(reader.getInt());
      return;
    default:
      return;
    }
  });
}

/// Appends the low bytes of `value`, little endian.
template <typename T>
static void append(std::vector<uint8_t> &bytes, T value, size_t size) {
  static_assert(sys::IsLittleEndianHost);
  uint8_t buffer[sizeof(T)];
  std::memcpy(buffer, &value, sizeof(T));
  bytes.insert(bytes.end(), buffer, buffer + size);
}

void ModelParser::parseTensor(StringRef bytes, OnnxTensor &tensor) {
  SmallVector<float> floats;
  SmallVector<double> doubles;
  SmallVector<int64_t> integers;
  bool hasRaw = false, hasNumbers = false;
  StringRef raw;
  forEachField(bytes, [&](ProtobufReader &reader) {
    hasNumbers |= is_contained({4, 5, 6, 7, 10, 11}, reader.field());
    switch (reader.field()) {
    case 1: {
      SmallVector<int64_t> sizes;
      reader.addInts(sizes);
      append_range(tensor.shape, sizes);
      return;
    }
    case 2:
      tensor.type = OnnxType(reader.getInt());
      return;
    case 3:
      return fail("tensor '" + tensor.name +
                  "': expected whole tensors, got a segment of one");
    case 4:
      return reader.addFloats(floats);
    case 5:
    case 7:
    case 11:
      return reader.addInts(integers);
    case 8:
      tensor.name = reader.getBytes();
      return;
    case 9:
      hasRaw = true;
      raw = reader.getBytes();
      return;
    case 10:
      return reader.addDoubles(doubles);
    case 13:
      return parseExternal(reader.getBytes(), tensor);
    case 14:
      tensor.isExternal = reader.getInt() == 1;
      return;
    default:
      return;
    }
  });
  size_t size = sizeInBytes(tensor.type);
  if (!message.empty() || size == 0)
    return;
  if (hasNumbers && !hasRaw) {
    tensor.unpacked = std::make_shared<std::vector<uint8_t>>();
    for (float value : floats)
      append(*tensor.unpacked, value, sizeof(float));
    for (double value : doubles)
      append(*tensor.unpacked, value, sizeof(double));
    for (int64_t value : integers)
      append(*tensor.unpacked, value, size);
    tensor.bytes = *tensor.unpacked;
  } else {
    tensor.bytes = ArrayRef(raw.bytes_begin(), raw.size());
  }
  checkSize(tensor, size);
}

/// Checks that there are as many bytes as type and shape say.
void ModelParser::checkSize(const OnnxTensor &tensor, size_t elementSize) {
  auto expected = static_cast<int64_t>(elementSize);
  for (int64_t extent : tensor.shape)
    if (extent < 0 || MulOverflow(expected, extent, expected))
      return fail(
          "tensor '" + tensor.name +
          "': expected sizes that fit in "
          "memory, got " +
          llvm::join(map_range(tensor.shape,
                               [](int64_t s) { return std::to_string(s); }),
                     "x"));
  uint64_t got = tensor.isExternal ? tensor.length.value_or(expected)
                                   : tensor.bytes.size();
  if (got != static_cast<uint64_t>(expected))
    fail("tensor '" + tensor.name + "': expected " + Twine(expected) +
         " bytes by its type and shape, got " + Twine(got));
}

void ModelParser::parseExternal(StringRef bytes, OnnxTensor &tensor) {
  StringRef key, value;
  forEachField(bytes, [&](ProtobufReader &reader) {
    if (reader.field() == 1)
      key = reader.getBytes();
    else if (reader.field() == 2)
      value = reader.getBytes();
  });
  uint64_t number = 0;
  if (key == "location")
    tensor.location = value;
  else if (key != "offset" && key != "length")
    return;
  else if (value.getAsInteger(10, number))
    fail("tensor '" + tensor.name + "': expected a number as the " + key +
         " of its external data, got '" + value + "'");
  else if (key == "offset")
    tensor.offset = number;
  else
    tensor.length = number;
}

void ModelParser::parseValueInfo(StringRef bytes, OnnxValueInfo &info) {
  forEachField(bytes, [&](ProtobufReader &reader) {
    if (reader.field() == 1)
      info.name = reader.getBytes();
    else if (reader.field() == 2)
      // TypeProto: of its kinds, tensors are what is read.
      forEachField(reader.getBytes(), [&](ProtobufReader &type) {
        if (type.field() == 1)
          parseTensorType(type.getBytes(), info);
      });
  });
}

void ModelParser::parseTensorType(StringRef bytes, OnnxValueInfo &info) {
  forEachField(bytes, [&](ProtobufReader &reader) {
    if (reader.field() == 1)
      info.type = OnnxType(reader.getInt());
    else if (reader.field() == 2)
      parseShape(reader.getBytes(), info);
  });
}

void ModelParser::parseShape(StringRef bytes, OnnxValueInfo &info) {
  info.shape.emplace();
  forEachField(bytes, [&](ProtobufReader &reader) {
    if (reader.field() != 1)
      return;
    OnnxSize &size = info.shape->emplace_back();
    forEachField(reader.getBytes(), [&](ProtobufReader &dimension) {
      if (dimension.field() == 1)
        size.value = dimension.getInt();
      else if (dimension.field() == 2)
        size.name = dimension.getBytes();
    });
    if (size.value && *size.value < 0)
      fail("'" + info.name + "': expected sizes of at least 0, got " +
           Twine(*size.value));
  });
}

Error attn::parseOnnxModel(StringRef file, OnnxGraph &graph, int64_t &version) {
  ModelParser parser(file);
  parser.parseModel(graph, version);
  if (parser.message.empty())
    return Error::success();
  return createStringError(parser.message);
}
