// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxCall.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

FailureOr<OnnxValues> attn::onlyResult(FailureOr<OnnxValue> value) {
  if (failed(value))
    return failure();
  return OnnxValues{*value};
}

Type attn::getElementType(MLIRContext *context, OnnxType type) {
  Builder builder(context);
  switch (type) {
  case OnnxType::Float:
    return builder.getF32Type();
  case OnnxType::Double:
    return builder.getF64Type();
  case OnnxType::Float16:
    return builder.getF16Type();
  case OnnxType::BFloat16:
    return builder.getBF16Type();
  case OnnxType::Int64:
    return builder.getI64Type();
  case OnnxType::Int32:
    return builder.getI32Type();
  case OnnxType::Int16:
    return builder.getI16Type();
  case OnnxType::UInt16:
    return builder.getIntegerType(16, /*isSigned=*/false);
  case OnnxType::Int8:
    return builder.getI8Type();
  case OnnxType::UInt8:
    return builder.getIntegerType(8, /*isSigned=*/false);
  case OnnxType::Bool:
    return builder.getI1Type();
  default:
    return {};
  }
}

LogicalResult OnnxCall::buildIn(Block &block,
                                llvm::function_ref<LogicalResult()> build) {
  OpBuilder::InsertionGuard guard(tensors.builder);
  llvm::SaveAndRestore location(tensors.location);
  llvm::SaveAndRestore sizes(tensors.known);
  llvm::SaveAndRestore integers(import.known);
  tensors.builder.setInsertionPointToEnd(&block);
  return build();
}

LogicalResult OnnxCall::fail(const Twine &message) {
  if (import.message.empty())
    import.message = message.str();
  return failure();
}

LogicalResult OnnxCall::expectInputs(size_t least, size_t most) {
  bool hasLeast = inputs.size() >= least;
  for (size_t i = 0; hasLeast && i < least; ++i)
    hasLeast &= bool(inputs[i]);
  if (hasLeast && inputs.size() <= most)
    return success();
  std::string range =
      least == most ? std::to_string(least)
                    : std::to_string(least) + " to " + std::to_string(most);
  return fail("expected " + range + " inputs, got " + Twine(inputs.size()));
}

FailureOr<int64_t> OnnxCall::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return fail("expected an axis of a tensor of rank " + Twine(rank) +
                ", got " + Twine(axis));
  return axis < 0 ? axis + rank : axis;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const OnnxAttribute *OnnxCall::find(StringRef name) {
  read.insert(name);
  for (const OnnxAttribute &attribute : node.attributes)
    if (attribute.name == name)
      return &attribute;
  return nullptr;
}

const OnnxAttribute *OnnxCall::find(StringRef name, OnnxAttribute::Kind kind) {
  const OnnxAttribute *attribute = find(name);
  // The first models did not say the kind.
  if (attribute && attribute->kind != kind &&
      attribute->kind != OnnxAttribute::Undefined)
    (void)fail("expected the attribute '" + name + "' to be of kind " +
               Twine(int32_t(kind)) + ", got " +
               Twine(int32_t(attribute->kind)));
  return attribute;
}

const OnnxAttribute *OnnxCall::findUnread() const {
  for (const OnnxAttribute &attribute : node.attributes)
    if (!read.contains(attribute.name))
      return &attribute;
  return nullptr;
}

int64_t OnnxCall::integer(StringRef name, int64_t otherwise) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Int);
  return attribute ? attribute->integer : otherwise;
}

double OnnxCall::number(StringRef name, double otherwise) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Float);
  return attribute ? attribute->number : otherwise;
}

StringRef OnnxCall::string(StringRef name, StringRef otherwise) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::String);
  return attribute ? attribute->string : otherwise;
}

std::optional<SmallVector<int64_t>> OnnxCall::integers(StringRef name) {
  const OnnxAttribute *attribute = find(name, OnnxAttribute::Ints);
  if (!attribute)
    return std::nullopt;
  return SmallVector<int64_t>(attribute->integers);
}

OnnxAttribute attn::makeAttribute(StringRef name, int64_t integer) {
  OnnxAttribute attribute;
  attribute.name = name;
  attribute.kind = OnnxAttribute::Int;
  attribute.integer = integer;
  return attribute;
}

OnnxAttribute attn::makeAttribute(StringRef name, double number) {
  OnnxAttribute attribute;
  attribute.name = name;
  attribute.kind = OnnxAttribute::Float;
  attribute.number = number;
  return attribute;
}

FailureOr<std::optional<SmallVector<int64_t>>>
OnnxCall::integersOf(size_t index, StringRef attribute) {
  if (std::optional<SmallVector<int64_t>> values = integers(attribute))
    return values;
  if (!input(index))
    return std::optional<SmallVector<int64_t>>();
  FailureOr<SmallVector<int64_t>> values = asIntegers(input(index), attribute);
  if (failed(values))
    return failure();
  return std::optional<SmallVector<int64_t>>(std::move(*values));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

SizedTensor OnnxCall::asTensor(const OnnxValue &value) {
  if (!value.isFew())
    return value.tensor();
  TensorSizes sizes = sizesOf(value);
  OpBuilder &builder = tensors.builder;
  return {builder.createOrFold<tensor::FromElementsOp>(
              tensors.location, tensors.getType(sizes, value.type()),
              value.elements()),
          sizes};
}

TensorSizes OnnxCall::sizesOf(const OnnxValue &value) {
  if (!value.isFew())
    return value.tensor().sizes;
  return llvm::map_to_vector<4>(
      value.shape(), [&](int64_t size) { return tensors.constantSize(size); });
}

OpFoldResult OnnxCall::asSize(Value integer) {
  if (std::optional<int64_t> value = getConstantIntValue(integer))
    return tensors.constantSize(*value);
  if (OpFoldResult known = import.known.sizes.lookup(integer))
    return known;
  OpFoldResult size;
  Operation *op = integer.getDefiningOp();
  // Sizes are less than what any type of integers that they are cast to holds.
  if (isa_and_present<arith::TruncIOp, arith::ExtSIOp>(op) &&
      integer.getType().getIntOrFloatBitWidth() >= 32)
    return asSize(op->getOperand(0));
  // Sums and products of sizes are what others can be compared with.
  if (isa_and_present<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op)) {
    OpFoldResult a = asSize(op->getOperand(0)), b = asSize(op->getOperand(1));
    size = isa<arith::AddIOp>(op)   ? tensors.add(a, b)
           : isa<arith::SubIOp>(op) ? tensors.subtract(a, b)
                                    : tensors.multiply(a, b);
  } else {
    size = arith::IndexCastOp::create(tensors.builder, tensors.location,
                                      tensors.builder.getIndexType(), integer)
               .getResult();
  }
  import.known.sizes[integer] = size;
  return size;
}

Value OnnxCall::asInteger(OpFoldResult size) {
  Type type = tensors.builder.getI64Type();
  if (std::optional<int64_t> value = getConstantIntValue(size))
    return arith::ConstantOp::create(tensors.builder, tensors.location,
                                     tensors.builder.getI64IntegerAttr(*value));
  Value &integer = import.known.integers[llvm::cast<Value>(size)];
  if (!integer) {
    integer = arith::IndexCastOp::create(tensors.builder, tensors.location,
                                         type, llvm::cast<Value>(size));
    import.known.sizes[integer] = size;
  }
  return integer;
}

FailureOr<TensorSizes> OnnxCall::asSizes(const OnnxValue &value,
                                         StringRef what) {
  if (!value.isFew() || !isa<IntegerType>(value.type()))
    return fail("expected '" + what +
                "' to be computed from sizes and constants; hint: what "
                "depends on elements of inputs is not known before");
  return TensorSizes(llvm::map_range(
      value.elements(), [&](Value element) { return asSize(element); }));
}

FailureOr<SmallVector<int64_t>> OnnxCall::asIntegers(const OnnxValue &value,
                                                     StringRef what) {
  FailureOr<TensorSizes> sizes = asSizes(value, what);
  if (failed(sizes))
    return failure();
  SmallVector<int64_t> integers;
  for (OpFoldResult size : *sizes) {
    std::optional<int64_t> integer = getConstantIntValue(size);
    if (!integer)
      return fail("expected '" + what +
                  "' to be constants, got a size that is "
                  "known only at run time");
    integers.push_back(*integer);
  }
  return integers;
}

FailureOr<OnnxValue> OnnxCall::constant(const OnnxTensor &tensor) {
  OpBuilder &builder = tensors.builder;
  Type element = getElementType(builder.getContext(), tensor.type);
  if (!element)
    return fail("expected a constant of FLOAT, DOUBLE, FLOAT16, BFLOAT16, "
                "INT64, INT32, INT16, UINT16, INT8, UINT8 or BOOL, got " +
                nameOf(tensor.type));
  auto type = RankedTensorType::get(tensor.shape, element);
  DenseElementsAttr elements;
  if (element.isInteger(1)) {
    SmallVector<bool> values(
        llvm::map_range(tensor.bytes, [](uint8_t byte) { return byte != 0; }));
    elements = DenseElementsAttr::get(type, values);
  } else {
    elements = DenseElementsAttr::getFromRawBuffer(
        type, ArrayRef(reinterpret_cast<const char *>(tensor.bytes.data()),
                       tensor.bytes.size()));
  }
  // Sizes are integers; of floats there is one in a scale.
  int64_t count = type.getNumElements();
  if (type.getRank() > 1 || count > (isa<FloatType>(element) ? 1 : kFew)) {
    Value value =
        arith::ConstantOp::create(builder, tensors.location, elements);
    return OnnxValue(SizedTensor{
        value, TensorSizes(llvm::map_range(tensor.shape, [&](int64_t size) {
          return tensors.constantSize(size);
        }))});
  }
  SmallVector<Value> scalars;
  for (Attribute attribute : elements.getValues<Attribute>())
    scalars.push_back(arith::ConstantOp::create(
        builder, tensors.location, llvm::cast<TypedAttr>(attribute)));
  return OnnxValue::few(element, scalars, tensor.shape);
}
