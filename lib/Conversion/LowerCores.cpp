// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns cores on memrefs into calls of generated kernels: brings operands into
// the form that kernels expect, and makes one function for each distinct core.

#include "DistanceBiases.h"
#include "Kernels.h"
#include "attn/Conversion/Passes.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/TypeSwitch.h"

namespace attn {
#define GEN_PASS_DEF_LOWERCORES
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// Cores are what writes into a destination.
static bool isCore(Operation *op) {
  return isa_and_present<AttnDialect>(op->getDialect()) &&
         isa<DestinationStyleOpInterface>(op);
}

/// Whether a kernel reads or writes the operand in bf16 and f16 too.
static bool mayBeNarrow(OpOperand &operand) {
  Operation *op = operand.getOwner();
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<LinearOp, MlpOp, SdpaOp, CacheAppendOp>([](auto) { return true; })
      .Case<LogitsOp, GreatestOp>(
          [&](auto product) { return operand.get() == product.getWeight(); })
      .Default(false);
}

/// Kernels compute in f32, and read the rows of a table in what it is stored.
static LogicalResult checkSupported(Operation *op) {
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      return op->emitOpError()
             << "expected memrefs here, got " << operand.get().getType()
             << "; hint: run --one-shot-bufferize first";
    auto lookup = dyn_cast<LookupOp>(op);
    if (lookup && operand.get() == lookup.getTable())
      continue;
    Type element = type.getElementType();
    if (isa<FloatType>(element) && !element.isF32() &&
        !(mayBeNarrow(operand) && (element.isBF16() || element.isF16())))
      return op->emitOpError()
             << "expected operands of f32 to generate code for, got " << type;
  }
  return success();
}

/// The weights that `op` multiplies by, or gathers with scales.
static SmallVector<Value> getWeights(Operation *op) {
  return llvm::TypeSwitch<Operation *, SmallVector<Value>>(op)
      .Case([](LookupOp lookup) {
        return SmallVector<Value>(lookup.getScales() ? 1 : 0,
                                  lookup.getTable());
      })
      .Case<LinearOp, LogitsOp>(
          [](auto product) { return SmallVector<Value>{product.getWeight()}; })
      .Case([](GreatestOp greatest) {
        SmallVector<Value> weights = {greatest.getWeight()};
        llvm::append_range(weights, greatest.getEstimate().take_front(1));
        return weights;
      })
      .Case([](MlpOp mlp) {
        return SmallVector<Value>{mlp.getHiddenWeight(), mlp.getWeight()};
      })
      .Default(SmallVector<Value>());
}

/// Panels are as wide as the target's. Weights of bf16 in tiles are for targets
/// that multiply bf16; those of i8 are in tiles for all.
static LogicalResult checkWeight(Operation *op, Value weight,
                                 TargetAttr target) {
  auto type = cast<MemRefType>(weight.getType());
  constexpr int64_t rows = WeightOp::kTileRows;
  auto isInTiles = [&](int64_t group) {
    return type.getRank() == 5 && type.getShape().drop_front(2) ==
                                      ArrayRef<int64_t>{2, rows, group * rows};
  };
  if (type.getElementType().isInteger()) {
    if (isInTiles(4))
      return success();
    return op->emitOpError()
           << "expected a weight of i8 as 'panel 32 by 4', got " << type
           << "; hint: run --attn-pack-weights first; only an 'attn.weight' "
              "can be packed";
  }
  int64_t panel = target.getPanelWidth();
  if (type.getRank() == 3 && type.getDimSize(2) != panel)
    return op->emitOpError()
           << "expected a weight in panels of " << panel
           << " columns to generate code for this target, got " << type;
  if (type.getRank() != 5 || (target.hasBFloat16Products() &&
                              type.getElementType().isBF16() && isInTiles(2)))
    return success();
  return op->emitOpError()
         << "expected a weight in tiles only as 'panel 32 by 2' of bf16, for "
            "a target with AVX512-BF16, got "
         << type;
}

/// A head's numbers are vectors that kernels name one by one: not too many of
/// them, and not none.
static LogicalResult checkHeads(SdpaOp op) {
  auto check = [&](Value operand, int64_t heads) -> LogicalResult {
    constexpr int64_t limit = 1 << 16;
    auto type = cast<ShapedType>(operand.getType());
    int64_t columns = type.getShape().back() / (op.hasHeadDim() ? 1 : heads);
    if (columns < 1 || columns > limit)
      return op.emitOpError() << "expected heads of 1 to " << limit
                              << " columns to generate code for, got " << type;
    return success();
  };
  return success(succeeded(check(op.getQuery(), op.getHeads())) &&
                 succeeded(check(op.getValue(), op.getKeyHeads())));
}

/// A block of logits is written by whole panels.
static LogicalResult checkBlocks(LogitsOp op, int64_t panel) {
  if (cast<MemRefType>(op.getWeight().getType()).getElementType().isInteger())
    panel = WeightOp::kTilePanel;
  int64_t width = cast<ShapedType>(op.getValues().getType()).getDimSize(2);
  if (width % panel == 0)
    return success();
  return op.emitOpError() << "expected blocks of a multiple of " << panel
                          << " columns to generate code for this target, got "
                          << width;
}

/// Whether all destinations are known to be empty, as those of no rows are. A
/// view of a part of one would be out of its bounds.
static bool writesNothing(Operation *op) {
  return llvm::all_of(cast<DestinationStyleOpInterface>(op).getDpsInits(),
                      [](Value out) {
                        return llvm::is_contained(
                            cast<MemRefType>(out.getType()).getShape(), 0);
                      });
}

/// Whether there is code for the core on some target.
static LogicalResult checkCore(Operation *op) {
  if (failed(checkSupported(op)))
    return failure();
  auto sdpa = dyn_cast<SdpaOp>(op);
  return sdpa && !writesNothing(op) ? checkHeads(sdpa) : success();
}

/// Whether there is on this one.
static LogicalResult checkTarget(Operation *op, TargetAttr target) {
  for (Value weight : getWeights(op))
    if (failed(checkWeight(op, weight, target)))
      return failure();
  auto logits = dyn_cast<LogitsOp>(op);
  return logits ? checkBlocks(logits, target.getPanelWidth()) : success();
}

/// Whether vectors can be loaded along the last dimension.
static bool hasAdjacentElements(MemRefType type) {
  return type.getRank() == 0 || type.isLastDimUnitStride();
}

namespace {

/// Prepares the operands of one core, where the core stands.
class OperandPreparer {
public:
  OperandPreparer(Operation *op, const KernelBuilder &builder)
      : op(op), b(builder) {
    b.setInsertionPoint(op);
    b.setLoc(op->getLoc());
  }

  void prepare() {
    for (OpOperand &operand : op->getOpOperands())
      if (!hasAdjacentElements(cast<MemRefType>(operand.get().getType())))
        replaceByCopy(operand);
    llvm::TypeSwitch<Operation *>(op)
        .Case<LinearOp, MlpOp>([&](auto linear) {
          flatten(linear.getInputMutable());
          flatten(linear.getOutMutable());
          if (linear.getResidual())
            flatten(*linear.getResidualMutable().begin());
        })
        .Case([&](SdpaOp sdpa) {
          int64_t heads = sdpa.getHeads(), keyHeads = sdpa.getKeyHeads();
          splitHeads(sdpa.getQueryMutable(), heads);
          splitHeads(sdpa.getKeyMutable(), keyHeads);
          splitHeads(sdpa.getValueMutable(), keyHeads);
          splitHeads(sdpa.getOutsMutable()[0], heads);
          sdpa.setHeads(1);
          if (sdpa.getMask())
            seeBytes(sdpa.getMaskMutable()[0]);
          if (sdpa.getBiases())
            pad(sdpa.getBiasesMutable()[0]);
        })
        .Case<LayerNormOp, SoftmaxOp>([&](auto rows) {
          flatten(rows.getInputMutable());
          flatten(rows.getOutMutable());
        });
  }

private:
  /// Uses a dense copy instead of the operand; what the core writes to a copy
  /// goes back after it.
  void replaceByCopy(OpOperand &operand) {
    Value original = operand.get();
    auto type = cast<MemRefType>(original.getType());
    auto dense = MemRefType::get(type.getShape(), type.getElementType());
    Value copy = allocate(dense, original);
    memref::CopyOp::create(b, original, copy);
    operand.set(copy);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(op);
    if (cast<DestinationStyleOpInterface>(op).isDpsInit(&operand))
      memref::CopyOp::create(b, copy, original);
    memref::DeallocOp::create(b, copy);
  }

  Value allocate(MemRefType type, Value like) {
    SmallVector<Value> sizes;
    for (auto [index, size] : llvm::enumerate(type.getShape()))
      if (ShapedType::isDynamic(size))
        sizes.push_back(b.dim(like, index));
    return memref::AllocOp::create(b, type, sizes, b.getI64IntegerAttr(64));
  }

  /// Makes the operand a matrix: all dimensions but the last in one.
  void flatten(OpOperand &operand) {
    auto type = cast<MemRefType>(operand.get().getType());
    int64_t rank = type.getRank();
    if (rank == 2)
      return;
    if (rank == 1) {
      operand.set(memref::ExpandShapeOp::create(
          b, ArrayRef<int64_t>{1, type.getDimSize(0)}, operand.get(),
          ArrayRef<ReassociationIndices>{{0, 1}}));
      return;
    }
    auto leading = llvm::to_vector<2>(llvm::seq<int64_t>(0, rank - 1));
    SmallVector<ReassociationIndices> groups = {leading, {rank - 1}};
    if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
      replaceByCopy(operand);
    operand.set(memref::CollapseShapeOp::create(b, operand.get(), groups));
  }
  void flatten(const MutableOperandRange &range) { flatten(*range.begin()); }
  void flatten(OpOperand *operand) { flatten(*operand); }

  /// Sees [B, S, H·E] as [B, H, S, E].
  void splitHeads(OpOperand &operand, int64_t heads) {
    auto type = cast<MemRefType>(operand.get().getType());
    if (type.getRank() == 4)
      return;
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = heads;
    shape.push_back(type.getShape().back() / heads);
    Value split = memref::ExpandShapeOp::create(
        b, shape, operand.get(),
        ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}});
    auto order = AffineMapAttr::get(AffineMap::getPermutationMap(
        ArrayRef<unsigned>{0, 2, 1, 3}, b.getContext()));
    operand.set(memref::TransposeOp::create(b, split, order));
  }

  /// Sees i1, which has a byte in memory, as i8: of that a vector can be
  /// loaded. The two have one type in LLVM, so nothing is left of the cast.
  void seeBytes(OpOperand &operand) {
    auto type = cast<MemRefType>(operand.get().getType());
    if (!type.getElementType().isInteger(1))
      return;
    operand.set(UnrealizedConversionCastOp::create(b, type.clone(b.getI8Type()),
                                                   operand.get())
                    .getResult(0));
  }

  /// Writes biases by distance as kernels read them.
  void pad(OpOperand &biases) {
    Value given = biases.get();
    MemRefType type = getPaddedBiasesType(b, given);
    SmallVector<Value> sizes;
    if (type.isDynamicDim(0))
      sizes.push_back(b.dim(given, 0));
    if (type.isDynamicDim(1))
      sizes.push_back(b.add(b.dim(given, 1), b.index(2 * b.lanes())));
    Value padded =
        memref::AllocOp::create(b, type, sizes, b.getI64IntegerAttr(64));
    emitPaddedBiases(b, given, padded);
    biases.set(padded);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(op);
    memref::DeallocOp::create(b, padded);
  }

  Operation *op;
  KernelBuilder b;
};

/// Functions with the code of cores, one for each distinct core.
class KernelLibrary {
public:
  KernelLibrary(ModuleOp module, TargetAttr target)
      : module(module), target(target), symbols(module) {}

  /// The kernel for `op`: its arguments are the operands of `op`.
  func::FuncOp get(Operation *op) {
    Attribute key = keyOf(op);
    func::FuncOp &kernel = kernels[key];
    if (!kernel)
      kernel = create(op);
    return kernel;
  }

  ArrayRef<func::FuncOp> getKernels() const { return order; }

private:
  Attribute keyOf(Operation *op) {
    Builder builder(op->getContext());
    SmallVector<Attribute> parts = {op->getName().getIdentifier(),
                                    op->getPropertiesAsAttribute(),
                                    op->getDiscardableAttrDictionary()};
    for (Type type : op->getOperandTypes())
      parts.push_back(TypeAttr::get(type));
    return builder.getArrayAttr(parts);
  }

  func::FuncOp create(Operation *op) {
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    auto kernel = func::FuncOp::create(
        builder, op->getLoc(), op->getName().stripDialect(),
        builder.getFunctionType(op->getOperandTypes(), {}));
    kernel.setPrivate();
    // A kernel is called from many places, and inlined in none.
    kernel->setAttr("passthrough",
                    builder.getArrayAttr(builder.getStringAttr("noinline")));
    symbols.insert(kernel);
    order.push_back(kernel);

    builder.setInsertionPointToStart(kernel.addEntryBlock());
    Operation *core = builder.clone(*op);
    core->setOperands(kernel.getArguments());
    builder.setInsertionPoint(core);
    KernelBuilder b(op->getLoc(), builder, target);
    llvm::TypeSwitch<Operation *>(core)
        .Case([&](LookupOp core) { emitLookup(b, core); })
        .Case([&](LinearOp core) { emitLinear(b, core); })
        .Case([&](LogitsOp core) { emitLogits(b, core); })
        .Case([&](GreatestOp core) { emitGreatest(b, core); })
        .Case([&](MlpOp core) { emitMlp(b, core); })
        .Case([&](LayerNormOp core) { emitLayerNorm(b, core); })
        .Case([&](ScoresOp core) { emitScores(b, core); })
        .Case([&](SoftmaxOp core) { emitSoftmax(b, core); })
        .Case([&](WeightedSumOp core) { emitWeightedSum(b, core); })
        .Case([&](SdpaOp core) { emitSdpa(b, core); })
        .Case([&](CacheAppendOp core) { emitCacheAppend(b, core); });
    core->erase();
    builder.setInsertionPointToEnd(&kernel.getBody().back());
    func::ReturnOp::create(builder, op->getLoc());
    return kernel;
  }

  ModuleOp module;
  TargetAttr target;
  SymbolTable symbols;
  llvm::DenseMap<Attribute, func::FuncOp> kernels;
  SmallVector<func::FuncOp> order;
};

struct LowerCoresPass : attn::impl::LowerCoresBase<LowerCoresPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<Operation *> cores;
    module.walk([&](Operation *op) {
      if (isCore(op))
        cores.push_back(op);
    });
    if (cores.empty())
      return;
    // All that is wrong is said, not only the first.
    auto isWrong = [&](llvm::function_ref<LogicalResult(Operation *)> check) {
      return llvm::count_if(
                 cores, [&](Operation *op) { return failed(check(op)); }) > 0;
    };
    if (isWrong(checkCore))
      return signalPassFailure();

    auto target = module->getAttrOfType<TargetAttr>(AttnDialect::kTargetAttr);
    if (!target) {
      module.emitError() << "expected the module attribute '"
                         << AttnDialect::kTargetAttr
                         << "' to generate code for";
      return signalPassFailure();
    }
    if (isWrong([&](Operation *op) { return checkTarget(op, target); }))
      return signalPassFailure();

    KernelLibrary library(module, target);
    OpBuilder builder(&getContext());
    for (Operation *op : cores) {
      if (writesNothing(op)) {
        op->erase();
        continue;
      }
      OperandPreparer(op, KernelBuilder(op->getLoc(), builder, target))
          .prepare();
      func::FuncOp kernel = library.get(op);
      builder.setInsertionPoint(op);
      func::CallOp::create(builder, op->getLoc(), kernel, op->getOperands());
      op->erase();
    }

    // Folds, and takes constants out of loops that hold nothing but another.
    const FrozenRewritePatternSet none;
    for (func::FuncOp kernel : library.getKernels())
      (void)applyPatternsGreedily(kernel, none);
  }
};

} // namespace
