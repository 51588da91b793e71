// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
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

/// Whether an integer is the size of a tensor, and therefore not negative.
static bool isSizeOfTensor(Value integer) {
  auto cast = integer.getDefiningOp<arith::IndexCastOp>();
  return cast && cast.getIn().getDefiningOp<tensor::DimOp>();
}

/// Exporters ask of sizes whether they are -1, which stands for "as it was".
static bool neverEqual(Value a, Value b) {
  std::optional<int64_t> value = getConstantIntValue(b);
  return value && *value < 0 && isSizeOfTensor(a);
}

//===----------------------------------------------------------------------===//
// Operators that others are made of
//===----------------------------------------------------------------------===//

/// What `operation` gives for operands of these types; null if it is not
/// defined for them.
static Type getResultType(StringRef operation, TypeRange types, Location loc) {
  Block block;
  SmallVector<Location> locations(types.size(), loc);
  block.addArguments(types, locations);
  OpBuilder builder(loc.getContext());
  builder.setInsertionPointToEnd(&block);
  Value result = ScalarBuilder(builder, loc)
                     .build(operation, ValueRange(block.getArguments()));
  Type type = result ? result.getType() : Type();
  // Uses come after what they use.
  while (!block.empty())
    block.back().erase();
  return type;
}

FailureOr<OnnxValue> OnnxCall::elementwise(StringRef operation,
                                           ArrayRef<OnnxValue> operands) {
  SmallVector<Type> types(llvm::map_range(
      operands, [](const OnnxValue &value) { return value.type(); }));
  Type type = getResultType(operation, types, tensors.location);
  if (!type) {
    std::string got;
    llvm::raw_string_ostream os(got);
    llvm::interleaveComma(types, os);
    return fail("expected operands that " + operation +
                " is defined for, got " + got);
  }
  return map(operands, type, [&](ScalarBuilder &scalars, ValueRange at) {
    if (operation == "Equal" &&
        (neverEqual(at[0], at[1]) || neverEqual(at[1], at[0])))
      return scalars.constant(type, 0);
    return scalars.build(operation, at);
  });
}

/// A few scalars, repeated to `shape` as of a tensor.
static OnnxValue broadcastFew(const OnnxValue &value, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 0);
  size_t missing = shape.size() - value.rank();
  for (auto [dim, stride] : llvm::enumerate(value.strides()))
    if (value.shape()[dim] != 1)
      strides[missing + dim] = stride;
  return value.view(shape, strides);
}

FailureOr<OnnxValue> OnnxCall::map(ArrayRef<OnnxValue> operands, Type type,
                                   ScalarBody body) {
  SmallVector<TensorSizes> shapes(llvm::map_range(
      operands, [&](const OnnxValue &value) { return sizesOf(value); }));
  std::optional<TensorSizes> sizes = TensorBuilder::broadcast(shapes);
  if (!sizes) {
    std::string got;
    llvm::raw_string_ostream os(got);
    llvm::interleaveComma(operands, os, [&](const OnnxValue &value) {
      os << tensors.getType(sizesOf(value), value.type());
    });
    return fail("expected sizes that can be broadcast, got " + got);
  }

  std::optional<SmallVector<int64_t>> shape = getConstantIntValues(*sizes);
  if (shape && computeProduct(*shape) <= kFew &&
      llvm::all_of(operands, std::mem_fn(&OnnxValue::isFew))) {
    SmallVector<OnnxValue> aligned(
        llvm::map_range(operands, [&](const OnnxValue &value) {
          return broadcastFew(value, *shape);
        }));
    ScalarBuilder scalars(tensors.builder, tensors.location);
    SmallVector<Value> results;
    for (int64_t i = 0, end = computeProduct(*shape); i < end; ++i)
      results.push_back(body(
          scalars, llvm::map_to_vector(aligned, [&](const OnnxValue &value) {
            return value.elements()[i];
          })));
    return OnnxValue::few(type, results, *shape);
  }

  // One scalar for all is used as it is.
  SmallVector<SizedTensor> inputs;
  for (const OnnxValue &value : operands)
    if (value.elements().size() != 1)
      inputs.push_back(asTensor(value));
  return OnnxValue(tensors.map(
      inputs, *sizes, type,
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        SmallVector<Value> at;
        size_t next = 0;
        for (const OnnxValue &value : operands)
          at.push_back(value.elements().size() == 1 ? value.elements().front()
                                                    : arguments[next++]);
        ScalarBuilder scalars(b, loc);
        return body(scalars, at);
      }));
}

OnnxValue OnnxCall::cast(const OnnxValue &value, Type type) {
  if (value.type() == type)
    return value;
  if (value.isFew()) {
    ScalarBuilder scalars(tensors.builder, tensors.location);
    SmallVector<Value> results(
        llvm::map_range(value.elements(), [&](Value element) {
          return scalars.cast(element, type);
        }));
    return OnnxValue::few(type, results, value.shape());
  }
  return OnnxValue(
      tensors.map(value.tensor(), value.tensor().sizes, type,
                  [&](OpBuilder &b, Location loc, ValueRange arguments) {
                    return ScalarBuilder(b, loc).cast(arguments[0], type);
                  }));
}

OnnxValue OnnxCall::softmax(const SizedTensor &tensor, int64_t axis) {
  Type type = tensor.elementType();
  // A sum of many small numbers in 16 bits loses most of them.
  Type wide = type.getIntOrFloatBitWidth() < 32
                  ? Type(tensors.builder.getF32Type())
                  : type;
  SizedTensor operand = cast(tensor, wide).tensor();
  return cast(tensors.softmax(operand, axis), type);
}

SizedTensor OnnxCall::sum(const SizedTensor &tensor, ArrayRef<int64_t> axes) {
  Type type = tensor.elementType();
  return tensors.reduce(tensor, axes, tensors.scalar(type, 0),
                        [&](OpBuilder &b, Location loc, Value total, Value x) {
                          return ScalarBuilder(b, loc).build("Add", {total, x});
                        });
}

FailureOr<OnnxValue> OnnxCall::mean(const SizedTensor &tensor,
                                    ArrayRef<int64_t> axes) {
  OpFoldResult count = tensors.constantSize(1);
  for (int64_t axis : axes)
    count = tensors.multiply(count, tensor.sizes[axis]);
  OnnxValue divisor =
      cast(OnnxValue::scalar(asInteger(count)), tensor.elementType());
  return elementwise("Div", {sum(tensor, axes), divisor});
}

OnnxValue OnnxCall::reshape(const OnnxValue &value,
                            ArrayRef<OpFoldResult> sizes) {
  if (std::optional<SmallVector<int64_t>> shape = getConstantIntValues(sizes);
      shape && value.isFew())
    return OnnxValue::few(value.type(), value.elements(), *shape);
  return OnnxValue(tensors.reshape(asTensor(value), sizes));
}

FailureOr<OnnxValue> OnnxCall::matmul(const OnnxValue &left,
                                      const OnnxValue &right) {
  SizedTensor a = asTensor(left), b = asTensor(right);
  if (a.rank() == 0 || b.rank() == 0)
    return fail("expected operands of rank 1 at least, got a scalar");
  if (a.elementType() != b.elementType() || a.elementType().isInteger(1) ||
      a.elementType().isUnsignedInteger())
    return fail("expected operands of one type of numbers");
  // Vectors are matrices of one row, or of one column.
  bool isRow = a.rank() == 1, isColumn = b.rank() == 1;
  OpFoldResult one = tensors.constantSize(1);
  if (isRow)
    a = tensors.reshape(a, {one, a.sizes[0]});
  if (isColumn)
    b = tensors.reshape(b, {b.sizes[0], one});
  std::optional<int64_t> depth = getConstantIntValue(a.sizes[a.rank() - 1]);
  std::optional<int64_t> other = getConstantIntValue(b.sizes[b.rank() - 2]);
  std::optional<TensorSizes> batch =
      TensorBuilder::broadcast({TensorSizes(ArrayRef(a.sizes).drop_back(2)),
                                TensorSizes(ArrayRef(b.sizes).drop_back(2))});
  if ((depth && other && *depth != *other) || !batch) {
    std::string got;
    llvm::raw_string_ostream(got)
        << a.value.getType() << " and " << b.value.getType();
    return fail("expected sizes of matrices that can be multiplied, got " +
                got);
  }
  SizedTensor result = tensors.multiply(a, b, *batch);
  TensorSizes sizes = result.sizes;
  if (isColumn)
    sizes.pop_back();
  if (isRow)
    sizes.erase(sizes.begin() + batch->size());
  return OnnxValue(tensors.reshape(result, sizes));
}
