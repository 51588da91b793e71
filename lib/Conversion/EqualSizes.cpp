// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "EqualSizes.h"
#include "attn/IR/AttnOps.h"
#include "attn/IR/SizeProduct.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>
#include <tuple>

using namespace mlir;
using namespace attn;

/// A dimension of an argument, by their numbers; or kConstant and a size. And
/// by how much it is less that is meant.
using Size = std::tuple<int64_t, int64_t, int64_t>;
static constexpr int64_t kConstant = -1;

static std::optional<Size> resolve(Value value, int64_t dim);

/// Where an index comes from.
static std::optional<Size> resolve(Value index) {
  APInt constant;
  if (matchPattern(index, m_ConstantInt(&constant)))
    return Size(kConstant, constant.getSExtValue(), 0);
  if (auto dim = getDimOf(index))
    return resolve(dim->first, dim->second);
  return std::nullopt;
}

static std::optional<Size> resolve(OpFoldResult size) {
  if (std::optional<int64_t> constant = getConstantIntValue(size))
    return Size(kConstant, *constant, 0);
  return resolve(cast<Value>(size));
}

/// The one dimension of `group` whose size is not known to be 1.
static std::optional<int64_t> getOnlyDim(RankedTensorType type,
                                         ArrayRef<int64_t> group) {
  std::optional<int64_t> only;
  for (int64_t dim : group) {
    if (type.getDimSize(dim) == 1)
      continue;
    if (only)
      return std::nullopt;
    only = dim;
  }
  return only;
}

/// Where the size of a dimension comes from.
static std::optional<Size> resolve(Value value, int64_t dim) {
  auto type = dyn_cast<ShapedType>(value.getType());
  if (!type || !type.hasRank())
    return std::nullopt;
  if (!type.isDynamicDim(dim))
    return Size(kConstant, type.getDimSize(dim), 0);
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    if (!isa<func::FuncOp>(argument.getOwner()->getParentOp()))
      return std::nullopt;
    return Size(argument.getArgNumber(), dim, 0);
  }
  auto result = cast<OpResult>(value);
  return llvm::TypeSwitch<Operation *, std::optional<Size>>(result.getOwner())
      .Case([&](DestinationStyleOpInterface op) {
        return resolve(op.getTiedOpOperand(result)->get(), dim);
      })
      .Case([&](tensor::EmptyOp op) { return resolve(op.getDynamicSize(dim)); })
      .Case([&](tensor::CastOp op) { return resolve(op.getSource(), dim); })
      .Case([&](bufferization::ToTensorOp op) {
        return resolve(op.getBuffer(), dim);
      })
      .Case([&](tensor::ExtractSliceOp op) -> std::optional<Size> {
        if (op.getDroppedDims().any())
          return std::nullopt;
        return resolve(op.getMixedSizes()[dim]);
      })
      .Case([&](tensor::ExpandShapeOp op) {
        return resolve(op.getMixedOutputShape()[dim]);
      })
      .Case([&](tensor::CollapseShapeOp op) -> std::optional<Size> {
        std::optional<int64_t> only =
            getOnlyDim(op.getSrcType(), op.getReassociationIndices()[dim]);
        if (!only)
          return std::nullopt;
        return resolve(op.getSrc(), *only);
      })
      .Default([&](Operation *op) -> std::optional<Size> {
        if (!OpTrait::hasElementwiseMappableTraits(op))
          return std::nullopt;
        for (Value operand : op->getOperands())
          if (isa<RankedTensorType>(operand.getType()))
            return resolve(operand, dim);
        return std::nullopt;
      });
}

/// The sizes that are asserted to be equal, if each is of an argument or known,
/// and not both are known: what callers check is of arguments.
static std::optional<std::pair<Size, Size>> getAsserted(cf::AssertOp op) {
  auto compare = op.getArg().getDefiningOp<arith::CmpIOp>();
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq)
    return std::nullopt;
  std::optional<Size> a = resolve(compare.getLhs()),
                      b = resolve(compare.getRhs());
  if (!a || !b ||
      (std::get<0>(*a) == kConstant && std::get<0>(*b) == kConstant))
    return std::nullopt;
  return std::pair(*a, *b);
}

namespace {

class Collector {
public:
  explicit Collector(func::FuncOp function) : function(function) {}

  SmallVector<EqualSizes> run() {
    Names byName;
    for (BlockArgument argument : function.getArguments())
      if (auto given = function.getArgAttrOfType<ArrayAttr>(
              argument.getArgNumber(), AttnDialect::kSizesAttr))
        for (auto [dim, size] :
             llvm::enumerate(given.getAsValueRange<StringAttr>()))
          if (!size.empty())
            equate(byName, size.str(), argument, dim);
    for (Operation &op : function.front())
      visit(&op);

    SmallVector<EqualSizes> result;
    for (const auto &member : classes) {
      if (!member->isLeader())
        continue;
      EqualSizes sizes;
      SmallVector<int64_t> values;
      for (auto [argument, dim, less] : classes.members(*member)) {
        if (argument == kConstant)
          values.push_back(dim);
        else
          sizes.places.push_back({static_cast<unsigned>(argument), dim, less});
      }
      if (sizes.places.empty())
        continue;
      llvm::sort(sizes.places);
      if (values.empty() && sizes.places.size() > 1)
        result.push_back(sizes);
      // With several, no call is right.
      for (int64_t value : values) {
        sizes.value = value;
        result.push_back(sizes);
      }
    }
    llvm::sort(result, [](const EqualSizes &a, const EqualSizes &b) {
      return std::pair(a.places.front(), a.value) <
             std::pair(b.places.front(), b.value);
    });
    return result;
  }

private:
  /// Names for the sizes of one operation: those of one name are equal.
  using Names = std::map<std::string, Size>;

  /// With `less`, it is the size without so many that has the name.
  void equate(Names &names, const std::string &name, Value value, int64_t dim,
              int64_t less = 0) {
    std::optional<Size> size = resolve(value, dim);
    if (!size)
      return;
    if (std::get<0>(*size) == kConstant)
      std::get<1>(*size) -= less;
    else
      std::get<2>(*size) += less;
    auto [known, isNew] = names.insert({name, *size});
    if (!isNew && known->second != *size)
      classes.unionSets(known->second, *size);
  }

  /// Names the dimensions of `value`, a letter for each; those named '_' may
  /// be anything.
  void name(Names &names, Value value, StringRef letters) {
    if (!value)
      return;
    for (auto [dim, letter] : llvm::enumerate(letters))
      if (letter != '_')
        equate(names, std::string(1, letter), value, dim);
  }

  /// The same for all dimensions but the last `kept`, and `letters` for those.
  void nameLeading(Names &names, Value value, StringRef letters) {
    if (!value)
      return;
    int64_t leading =
        cast<ShapedType>(value.getType()).getRank() - letters.size();
    for (int64_t dim = 0; dim < leading; ++dim)
      equate(names, "leading" + std::to_string(dim), value, dim);
    for (auto [dim, letter] : llvm::enumerate(letters))
      equate(names, std::string(1, letter), value, leading + dim);
  }

  /// A static 1 in a mask counts for all.
  void nameMask(Names &names, Value mask, std::string letters) {
    if (!mask)
      return;
    for (int64_t dim = 0; dim < 3; ++dim)
      if (cast<ShapedType>(mask.getType()).getDimSize(dim) == 1)
        letters[dim] = '_';
    name(names, mask, letters);
  }

  void visit(Operation *op) {
    Names names;
    llvm::TypeSwitch<Operation *>(op)
        .Case<LookupOp, LinearOp, LogitsOp, GreatestOp, MlpOp, LayerNormOp,
              SoftmaxOp, ScoresOp, WeightedSumOp, CacheAppendOp, SdpaOp,
              linalg::LinalgOp, tensor::CastOp, tensor::ExpandShapeOp>(
            [&](auto op) { nameSizes(names, op); })
        .Case([&](cf::AssertOp op) {
          if (std::optional<std::pair<Size, Size>> sizes = getAsserted(op))
            classes.unionSets(sizes->first, sizes->second);
        })
        .Case([&](tensor::InsertSliceOp op) { visitInsertSlice(op); })
        .Default([&](Operation *op) {
          if (!OpTrait::hasElementwiseMappableTraits(op))
            return;
          for (Value operand : op->getOperands())
            if (isa<RankedTensorType>(operand.getType()))
              nameLeading(names, operand, "");
        });
  }

  void nameSizes(Names &names, LookupOp op) {
    name(names, op.getIds(), "bs");
    if (!op.isPacked()) {
      name(names, op.getTable(), "vd");
      name(names, op.getScales(), "v");
    }
    name(names, op.getPositions(), "_d");
    name(names, op.getOffsets(), "b");
    name(names, op.getOut(), "bsd");
  }

  void nameSizes(Names &names, LinearOp op) {
    nameLeading(names, op.getInput(), "k");
    nameLeading(names, op.getResidual(), "n");
    nameLeading(names, op.getOut(), "n");
    // In panels, sizes are static.
    if (!op.isPacked()) {
      name(names, op.getWeight(), op.getTransposed() ? "kn" : "nk");
      name(names, op.getScales(), "n");
      name(names, op.getBias(), "n");
    }
  }

  /// Of logits that an operation has `columns` of, but no operand with them.
  template <typename LogitsLikeOp>
  void nameWeight(Names &names, LogitsLikeOp op) {
    if (op.isPacked())
      return;
    names.insert({"n", Size(kConstant, op.getColumns(), 0)});
    name(names, op.getWeight(), "nk");
    name(names, op.getScales(), "n");
    name(names, op.getBias(), "n");
  }

  void nameSizes(Names &names, LogitsOp op) {
    name(names, op.getInput(), "rk");
    name(names, op.getValues(), "_r_");
    name(names, op.getMaxima(), "_r");
    name(names, op.getSums(), "_r");
    nameWeight(names, op);
  }

  void nameSizes(Names &names, GreatestOp op) {
    name(names, op.getInput(), "rk");
    name(names, op.getOut(), "r");
    nameWeight(names, op);
  }

  void nameSizes(Names &names, MlpOp op) {
    nameLeading(names, op.getInput(), "k");
    nameLeading(names, op.getResidual(), "n");
    nameLeading(names, op.getOut(), "n");
    if (!op.isHiddenPacked()) {
      name(names, op.getHiddenWeight(), op.getHiddenTransposed() ? "kf" : "fk");
      name(names, op.getHiddenBias(), "f");
    }
    if (!op.isPacked()) {
      name(names, op.getWeight(), op.getTransposed() ? "fn" : "nf");
      name(names, op.getBias(), "n");
    }
  }

  void nameSizes(Names &names, LayerNormOp op) {
    nameLeading(names, op.getInput(), "d");
    nameLeading(names, op.getOut(), "d");
    name(names, op.getWeight(), "d");
    name(names, op.getBias(), "d");
  }

  void nameSizes(Names &names, SoftmaxOp op) {
    nameLeading(names, op.getInput(), "m");
    nameLeading(names, op.getOut(), "m");
  }

  void nameSizes(Names &names, ScoresOp op) {
    // Widths are static.
    name(names, op.getQuery(), "bs_");
    name(names, op.getKey(), "bm_");
    name(names, op.getLengths(), "b");
    name(names, op.getOut(), "bhsm");
  }

  void nameSizes(Names &names, WeightedSumOp op) {
    name(names, op.getProbabilities(), "bhsm");
    name(names, op.getValue(), "bm_");
    name(names, op.getOut(), "bs_");
  }

  void nameSizes(Names &names, CacheAppendOp op) {
    name(names, op.getInput(), "b_d");
    name(names, op.getPositions(), "b");
    name(names, op.getRows(), "b_");
    name(names, op.getOut(), "__d");
  }

  void nameSizes(Names &names, SdpaOp op) {
    // Without rows, entries of the keys are those of the batch. Those of
    // a ragged one have offsets, one more than there are entries.
    std::string entries = op.getRows() ? "c" : "b";
    std::string batch = "b", keyBatch = entries;
    if (Value offsets = op.getQueryOffsets()) {
      equate(names, "b", offsets, 0, /*less=*/1);
      batch = "_";
    }
    if (Value offsets = op.getKeyOffsets()) {
      equate(names, entries, offsets, 0, /*less=*/1);
      keyBatch = "_";
    }
    // Heads that are no dimension are an attribute.
    if (!op.hasHeadDim())
      names.insert(
          {"h", Size(kConstant, static_cast<int64_t>(op.getHeads()), 0)});
    std::string heads = op.hasHeadDim() ? "h" : "";
    std::string keyHeads =
        !op.hasHeadDim() ? "" : (op.getGroupSize() == 1 ? "h" : "g");
    // Widths are static.
    name(names, op.getQuery(), batch + heads + "s_");
    name(names, op.getKey(), keyBatch + keyHeads + "m_");
    name(names, op.getValue(), keyBatch + keyHeads + "m_");
    nameMask(names, op.getMask(), batch + "hsm");
    name(names, op.getLengths(), entries);
    name(names, op.getPositions(), "b");
    if (op.getRows())
      equate(names, "b", op.getRows(), 0);
    name(names, op.getSlopes(), "h");
    name(names, op.getBiases(), "h_");
    name(names, op.getSinks(), "h");
    name(names, op.getOuts()[0], batch + heads + "s_");
    std::string shownHeads = op.getShownHeads() ? "_" : "h";
    name(names, op.getShown(),
         batch + (op.getShownMean() ? "" : shownHeads) + "sm");
  }

  void nameSizes(Names &names, tensor::CastOp op) {
    auto type = dyn_cast<RankedTensorType>(op.getSource().getType());
    for (int64_t dim = 0; type && dim < type.getRank(); ++dim) {
      equate(names, std::to_string(dim), op.getSource(), dim);
      equate(names, std::to_string(dim), op.getDest(), dim);
    }
  }

  void nameSizes(Names &names, tensor::ExpandShapeOp op) {
    for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices()))
      if (auto only = getOnlyDim(op.getResultType(), group)) {
        std::string name = std::to_string(dim);
        equate(names, name, op.getSrc(), static_cast<int64_t>(dim));
        equate(names, name, op.getResult(), *only);
      }
  }

  /// The sizes are those of the part, dimension by dimension.
  void visitInsertSlice(tensor::InsertSliceOp op) {
    if (op.getSourceType().getRank() != op.getDestType().getRank())
      return;
    for (auto [dim, given] : llvm::enumerate(op.getMixedSizes())) {
      std::optional<Size> size = resolve(given);
      std::optional<Size> part = resolve(op.getSource(), dim);
      if (size && part && *size != *part)
        classes.unionSets(*size, *part);
    }
  }

  /// Each loop of a structured operation has one size.
  void nameSizes(Names &names, linalg::LinalgOp op) {
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [dim, expression] : llvm::enumerate(map.getResults()))
        if (auto loop = dyn_cast<AffineDimExpr>(expression))
          equate(names, "loop" + std::to_string(loop.getPosition()),
                 operand.get(), dim);
    }
  }

  func::FuncOp function;
  llvm::EquivalenceClasses<Size> classes;
};

} // namespace

SmallVector<EqualSizes> attn::collectEqualSizes(func::FuncOp function) {
  return Collector(function).run();
}

void attn::eraseAssertedSizes(func::FuncOp function) {
  for (auto op :
       llvm::make_early_inc_range(function.front().getOps<cf::AssertOp>()))
    if (getAsserted(op))
      op.erase();
}
