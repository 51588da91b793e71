// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes functions of their own of what a search does with the last product of a
// step.

#include "DecoderFunctions.h"
#include "Sizes.h"
#include "Uses.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
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
    outline("decode_logits", rows.getType(), &LogitsOutliner::createLogits);
    outline("decode_greatest", rows.getType(), &LogitsOutliner::createGreatest);
    SmallVector<Value> results(terminator.getOperands());
    results.front() = rows;
    terminator->setOperands(results);
    step.setFunctionType(builder.getFunctionType(
        step.getArgumentTypes(), ValueRange(results).getTypes()));
    step.removeResAttrsAttr();
    // With its weights: one that is named is kept in memory.
    eraseWithOperands(linear);
    return success();
  }

private:
  /// The product that is returned first, if it has the right form.
  static LinearOp findLogits(func::ReturnOp terminator) {
    if (terminator.getNumOperands() == 0)
      return {};
    auto linear = terminator.getOperand(0).getDefiningOp<LinearOp>();
    if (!linear || linear.getResidual() || linear.getActivation() ||
        linear.getTransposed() || !linear.hasStaticWidths())
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

  /// The operands of the product in another function.
  struct Operands {
    Value input, weight, scales, bias;
    OpFoldResult rows;
  };
  using Create = SmallVector<Value> (LogitsOutliner::*)(const Operands &);

  /// A function of the rows that the logits are computed from.
  void outline(StringRef name, Type input, Create create) {
    OpBuilder::InsertionGuard guard(builder);
    Location loc = linear.getLoc();
    auto function = func::FuncOp::create(builder, loc, name,
                                         builder.getFunctionType(input, {}));
    builder.setInsertionPointToStart(function.addEntryBlock());
    auto clone = [&](Value weight) {
      return weight ? builder.clone(*weight.getDefiningOp())->getResult(0)
                    : Value();
    };
    Operands operands;
    operands.input = function.getArgument(0);
    operands.weight = clone(linear.getWeight());
    operands.scales = clone(linear.getScales());
    operands.bias = clone(linear.getBias());
    operands.rows =
        tensor::DimOp::create(builder, loc, operands.input, 0).getResult();
    SmallVector<Value> results = (this->*create)(operands);
    func::ReturnOp::create(builder, loc, results);
    function.setType(
        builder.getFunctionType(input, ValueRange(results).getTypes()));
  }

  int64_t getColumns() {
    return cast<ShapedType>(linear.getOut().getType()).getDimSize(2);
  }

  SmallVector<Value> createGreatest(const Operands &operands) {
    Location loc = linear.getLoc();
    Value out = createEmpty(builder, loc, operands.rows, builder.getI32Type());
    return GreatestOp::create(builder, loc, out.getType(), operands.input,
                              operands.weight, operands.scales, operands.bias,
                              /*estimate=*/ValueRange(), out,
                              builder.getI64IntegerAttr(getColumns()))
        .getResults();
  }

  SmallVector<Value> createLogits(const Operands &operands) {
    Location loc = linear.getLoc();
    auto blocks = static_cast<int64_t>(llvm::divideCeil(getColumns(), width));
    OpFoldResult summaries =
        builder.getIndexAttr(LogitsOp::countSummaries(blocks));
    auto create = [&](ArrayRef<OpFoldResult> sizes) {
      return createEmpty(builder, loc, sizes, builder.getF32Type());
    };
    SmallVector<Value> outs = {
        create({builder.getIndexAttr(blocks), operands.rows,
                builder.getIndexAttr(width)}),
        create({summaries, operands.rows}), create({summaries, operands.rows})};
    return LogitsOp::create(builder, loc, ValueRange(outs).getTypes(),
                            operands.input, operands.weight, operands.scales,
                            operands.bias, outs,
                            builder.getI64IntegerAttr(getColumns()))
        .getResults();
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
    FailureOr<func::FuncOp> step = lookupFunction(module, function);
    if (failed(step) || failed(checkUnused(*step, module)))
      return failure();
    for (StringRef name : {"decode_logits", "decode_greatest"})
      if (Operation *other = module.lookupSymbol(name))
        return other->emitError()
               << "expected no '" << name << "' yet, which is made here";
    return LogitsOutliner(*step, width).run();
  }
};

} // namespace
