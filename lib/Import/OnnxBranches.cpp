// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// If: one of two graphs, which see what is computed before it.

#include "OnnxCall.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// What the node asks, as a scalar.
static FailureOr<Value> getCondition(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  OnnxValue condition = call.input(0);
  TensorSizes sizes = call.sizesOf(condition);
  auto mayBeOne = [](OpFoldResult size) {
    return getConstantIntValue(size).value_or(1) == 1;
  };
  TensorBuilder &tensors = call.tensors;
  if (!condition.type().isInteger(1) || !llvm::all_of(sizes, mayBeOne))
    return call.fail(
        llvm::formatv("expected one BOOL as the condition, got {0}",
                      tensors.getType(sizes, condition.type()))
            .str());
  if (condition.isFew())
    return condition.elements().front();
  SmallVector<Value> place(sizes.size(),
                           tensors.asIndex(tensors.constantSize(0)));
  return Value(tensor::ExtractOp::create(tensors.builder, tensors.location,
                                         condition.tensor().value, place));
}

/// The sizes that two branches agree in; null where they do not.
static TensorSizes getCommonSizes(ArrayRef<OpFoldResult> a,
                                  ArrayRef<OpFoldResult> b) {
  return llvm::map_to_vector<4>(llvm::zip(a, b), [](auto pair) {
    auto [size, other] = pair;
    return size == other ? size : OpFoldResult();
  });
}

/// What `op` returns, of which the sizes that are not given are its own. A few
/// scalars stay such, as other sizes may be computed with them.
static OnnxValue getResult(OnnxCall &call, Value result, TensorSizes sizes,
                           bool isFew) {
  OpBuilder &builder = call.tensors.builder;
  Location location = call.tensors.location;
  for (auto [dim, size] : llvm::enumerate(sizes))
    if (!size)
      size = tensor::DimOp::create(builder, location, result, dim).getResult();
  if (!isFew)
    return SizedTensor{result, sizes};
  auto extract = [&](ValueRange place) {
    return tensor::ExtractOp::create(builder, location, result, place);
  };
  SmallVector<int64_t> shape = *getConstantIntValues(sizes);
  SmallVector<Value> elements;
  for (int64_t i = 0, end = computeProduct(shape); i < end; ++i)
    elements.push_back(extract(llvm::map_to_vector(
        delinearize(i, computeStrides(shape)), [&](int64_t index) {
          return call.tensors.asIndex(call.tensors.constantSize(index));
        })));
  return OnnxValue::few(getElementTypeOrSelf(result), elements, shape);
}

FailureOr<OnnxValues> attn::importIf(
    OnnxCall &call,
    llvm::function_ref<FailureOr<OnnxValues>(StringRef branch)> build) {
  constexpr StringRef names[] = {"then_branch", "else_branch"};
  FailureOr<Value> condition = getCondition(call);
  if (failed(condition))
    return failure();
  if (std::optional<int64_t> value = getConstantIntValue(*condition)) {
    (void)call.find(names[*value != 0]);
    return build(names[*value == 0]);
  }

  // The types of results are those that both branches turn out to have.
  OpBuilder &builder = call.tensors.builder;
  Location location = call.tensors.location;
  auto untyped = scf::IfOp::create(builder, location, TypeRange(), *condition,
                                   /*addThenBlock=*/true,
                                   /*addElseBlock=*/true);
  Block *blocks[] = {untyped.thenBlock(), untyped.elseBlock()};
  OnnxValues outputs[2];
  SmallVector<SizedTensor> results[2];
  for (unsigned i : {0, 1})
    if (failed(call.buildIn(*blocks[i], [&]() -> LogicalResult {
          FailureOr<OnnxValues> built = build(names[i]);
          if (failed(built))
            return failure();
          outputs[i] = *built;
          for (const OnnxValue &output : *built)
            results[i].push_back(call.asTensor(output));
          return success();
        })))
      return failure();

  SmallVector<TensorSizes> shapes;
  SmallVector<Value> yielded[2];
  for (auto [name, a, b] :
       llvm::zip(call.node.outputs, results[0], results[1])) {
    if (a.elementType() != b.elementType() || a.rank() != b.rank())
      return call.fail(llvm::formatv("expected branches that give '{0}' one "
                                     "type and rank, got {1} and {2}",
                                     name, a.value.getType(), b.value.getType())
                           .str());
    shapes.push_back(getCommonSizes(a.sizes, b.sizes));
    RankedTensorType type =
        call.tensors.getType(shapes.back(), a.elementType());
    Value tensors[] = {a.value, b.value};
    for (unsigned i : {0, 1})
      yielded[i].push_back(
          OpBuilder::atBlockEnd(blocks[i]).createOrFold<tensor::CastOp>(
              location, type, tensors[i]));
  }
  for (unsigned i : {0, 1}) {
    OpBuilder end = OpBuilder::atBlockEnd(blocks[i]);
    scf::YieldOp::create(end, location, yielded[i]);
  }
  auto op =
      scf::IfOp::create(builder, location, ValueRange(yielded[0]).getTypes(),
                        *condition, /*addThenBlock=*/false,
                        /*addElseBlock=*/false);
  op.getThenRegion().takeBody(untyped.getThenRegion());
  op.getElseRegion().takeBody(untyped.getElseRegion());
  untyped.erase();
  OnnxValues values;
  for (auto [result, sizes, a, b] :
       llvm::zip(op.getResults(), shapes, outputs[0], outputs[1]))
    values.push_back(getResult(
        call, result, sizes, a.isFew() && b.isFew() && a.shape() == b.shape()));
  return values;
}
