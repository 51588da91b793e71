// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes functions of their own of what a search does with the last product of a
// step.

#include "StaticWidths.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace attn {
#define GEN_PASS_DEF_OUTLINELOGITS
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

namespace {

class LogitsOutliner {
public:
  LogitsOutliner(func::FuncOp step, int64_t width)
      : step(step), width(width), builder(step.getContext()) {}

  LogicalResult run() {
    auto terminator = cast<func::ReturnOp>(step.front().getTerminator());
    linear = findLogits(terminator);
    if (!linear)
      return step.emitError()
             << "expected '" << step.getName()
             << "' to return first an attn.linear of rank 3 and f32, without "
                "residual, activation or transposed weight, of "
                "attn.get_weight";
    builder.setInsertionPoint(terminator);
    Value rows = tensor::CollapseShapeOp::create(
        builder, linear.getLoc(), linear.getInput(),
        ArrayRef<ReassociationIndices>{{0, 1}, {2}});
    builder.setInsertionPointAfter(step);
    outline("decode_logits", rows.getType(),
            [&](Value input) { return createLogits(input); });
    outline("decode_greatest", rows.getType(),
            [&](Value input) { return createGreatest(input); });
    SmallVector<Value> results(terminator.getOperands());
    results.front() = rows;
    terminator->setOperands(results);
    step.setFunctionType(builder.getFunctionType(
        step.getArgumentTypes(), ValueRange(results).getTypes()));
    step.removeResAttrsAttr();
    if (linear.use_empty())
      eraseProduct();
    return success();
  }

private:
  /// With what only it reads: a weight that is named is kept in memory.
  void eraseProduct() {
    SmallVector<Value> weights = {linear.getWeight(), linear.getScales(),
                                  linear.getBias()};
    linear.erase();
    for (Value weight : weights)
      if (weight && weight.use_empty())
        weight.getDefiningOp()->erase();
  }

  /// The product that is returned first, if it has the right form.
  static LinearOp findLogits(func::ReturnOp terminator) {
    if (terminator.getNumOperands() == 0)
      return {};
    auto linear = terminator.getOperand(0).getDefiningOp<LinearOp>();
    if (!linear || linear.getResidual() || linear.getActivation() ||
        linear.getTransposed() || !hasStaticWidths(linear))
      return {};
    for (Value weight :
         {linear.getWeight(), linear.getScales(), linear.getBias()})
      if (weight && !weight.getDefiningOp<GetWeightOp>())
        return {};
    auto type = cast<ShapedType>(linear.getOut().getType());
    auto input = cast<ShapedType>(linear.getInput().getType());
    return type.getRank() == 3 && type.getElementType().isF32() &&
                   input.getElementType().isF32()
               ? linear
               : LinearOp();
  }

  /// A function of the rows that the logits are computed from.
  void outline(StringRef name, Type input,
               llvm::function_ref<SmallVector<Value>(Value)> body) {
    OpBuilder::InsertionGuard guard(builder);
    auto function = func::FuncOp::create(builder, linear.getLoc(), name,
                                         builder.getFunctionType(input, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    SmallVector<Value> results = body(function.getArgument(0));
    func::ReturnOp::create(builder, linear.getLoc(), results);
    function.setType(
        builder.getFunctionType(input, ValueRange(results).getTypes()));
  }

  /// The same weight in another function.
  Value getWeight(Value weight) {
    return weight ? builder.clone(*weight.getDefiningOp())->getResult(0)
                  : Value();
  }

  int64_t getColumns() {
    return cast<ShapedType>(linear.getOut().getType()).getDimSize(2);
  }

  Value createEmpty(ArrayRef<OpFoldResult> sizes, Type element) {
    return tensor::EmptyOp::create(builder, linear.getLoc(), sizes, element);
  }

  OpFoldResult countRows(Value input) {
    return tensor::DimOp::create(builder, linear.getLoc(), input, 0)
        .getResult();
  }

  SmallVector<Value> createGreatest(Value input) {
    Value weight = getWeight(linear.getWeight());
    Value scales = getWeight(linear.getScales());
    Value bias = getWeight(linear.getBias());
    Value out = createEmpty(countRows(input), builder.getI32Type());
    return {GreatestOp::create(builder, linear.getLoc(), out.getType(), input,
                               weight, scales, bias, /*estimate=*/ValueRange(),
                               out, builder.getI64IntegerAttr(getColumns()))
                .getResult(0)};
  }

  SmallVector<Value> createLogits(Value input) {
    Value weight = getWeight(linear.getWeight());
    Value scales = getWeight(linear.getScales());
    Value bias = getWeight(linear.getBias());
    OpFoldResult rows = countRows(input);
    OpFoldResult blocks =
        builder.getIndexAttr(llvm::divideCeil(getColumns(), width));
    Type f32 = builder.getF32Type();
    SmallVector<Value> outs = {
        createEmpty({blocks, rows, builder.getIndexAttr(width)}, f32),
        createEmpty({blocks, rows}, f32), createEmpty({blocks, rows}, f32)};
    return SmallVector<Value>(
        LogitsOp::create(builder, linear.getLoc(), ValueRange(outs).getTypes(),
                         input, weight, scales, bias, outs,
                         builder.getI64IntegerAttr(getColumns()))
            .getResults());
  }

  func::FuncOp step;
  int64_t width;
  OpBuilder builder;
  LinearOp linear;
};

struct OutlineLogits : public attn::impl::OutlineLogitsBase<OutlineLogits> {
  using OutlineLogitsBase::OutlineLogitsBase;

  void runOnOperation() override {
    if (failed(run()))
      signalPassFailure();
  }

private:
  LogicalResult run() {
    ModuleOp module = getOperation();
    if (width <= 0)
      return module.emitError()
             << "expected blocks of a positive width, got " << width;
    auto step = module.lookupSymbol<func::FuncOp>(function);
    if (!step || step.isExternal() || !step.getBody().hasOneBlock())
      return module.emitError() << "expected a function '" << function
                                << "' with a body of one block";
    if (!SymbolTable::symbolKnownUseEmpty(step, module))
      return step.emitError() << "expected no use of '" << function
                              << "', whose results are about to change";
    for (StringRef name : {"decode_logits", "decode_greatest"})
      if (Operation *other = module.lookupSymbol(name))
        return other->emitError()
               << "expected no '" << name << "' yet, which is made here";
    return LogitsOutliner(step, width).run();
  }
};

} // namespace
