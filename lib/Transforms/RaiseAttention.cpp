// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recognises attention that is written in upstream operations.

#include "AttentionMatcher.h"
#include "SliceElements.h"
#include "Uses.h"
#include "attn/IR/AttnOps.h"
#include "attn/Transforms/Passes.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/SetVector.h"

namespace attn {
#define GEN_PASS_DEF_RAISEATTENTION
#include "attn/Transforms/Passes.h.inc"
} // namespace attn

using namespace mlir;
using namespace attn;

/// The tensors that an operand may be read from, the operand itself first; with
/// `isScaled` also what it is a multiple of.
SmallVector<Source> AttentionMatcher::getSources(const Element &element,
                                                 bool isScaled) {
  SmallVector<Source> sources;
  std::optional<Element> next = element;
  double factor = 1;
  while (next) {
    for (const Element &source : elements.getSources(*next, /*widen=*/true))
      sources.push_back({source, factor});
    next.reset();
    Element e = elements.plain(sources.back().element);
    Operation *op = e.value.getDefiningOp();
    if (!isScaled || !isa_and_present<arith::MulFOp, arith::DivFOp>(op))
      break;
    for (unsigned index : {0, 1}) {
      bool isDivided = isa<arith::DivFOp>(op);
      auto constant = elements.getConstant(elements.operand(e, 1 - index));
      if (!constant || (isDivided && index == 1))
        continue;
      next = elements.getTensor(elements.operand(e, index), /*widen=*/true);
      factor = isDivided ? factor / *constant : factor * *constant;
      break;
    }
  }
  return sources;
}

/// The source furthest up that has the axes of `target`, and the element type
/// if one is given.
const Source *AttentionMatcher::pick(ArrayRef<Source> sources, Type type,
                                     ArrayRef<AxisList> target) {
  AxisList wanted = flatten(target);
  llvm::sort(wanted);
  for (const Source &source : llvm::reverse(sources)) {
    if (type && getElementTypeOrSelf(source.element.value) != type)
      continue;
    AxisList present = elements.axes.resolve(flatten(source.element.layout));
    llvm::sort(present);
    if (present == wanted)
      return &source;
  }
  return nullptr;
}

/// Whether all operands can be read in `type`.
bool AttentionMatcher::canBe(Type type) {
  const AttentionAxes &a = axes;
  return pick(queries, type, {a.batch, a.queries, a.depth}) &&
         pick(keys, type, {a.batch, a.keys, a.depth}) &&
         pick(values, type, {a.batch, a.keys, a.width});
}

/// A type narrower than f32 where that changes nothing that was precise: where
/// probabilities or the result have it too.
Type AttentionMatcher::chooseType() {
  Builder builder(root.value.getContext());
  if (scoreFactor || resultFactor)
    return builder.getF32Type();
  for (Value rounded : {probabilities.value, root.value})
    if (Type type = getElementTypeOrSelf(rounded); !type.isF32() && canBe(type))
      return type;
  return builder.getF32Type();
}

/// What may be the queries: all axes that are in queries alone, or one of them,
/// while heads that share keys have the others.
SmallVector<AxisList> AttentionMatcher::getQueryAxes() {
  if (std::optional<AxisList> counted = mask->getCountedQueries())
    return {*counted};
  SmallVector<AxisList> choices = {axes.queries};
  if (axes.queries.size() > 1)
    for (unsigned axis : axes.queries)
      choices.push_back({axis});
  return choices;
}

/// The form in which the axes of the batch before `split` are the batch, and
/// the others are heads.
Form AttentionMatcher::getForm(size_t split, ArrayRef<unsigned> queryAxes,
                               bool hasHeadDim) {
  AxisList batch(ArrayRef(axes.batch).take_front(split));
  AxisList keyHeads(ArrayRef(axes.batch).drop_front(split));
  AxisList heads = keyHeads, queries(queryAxes);
  llvm::copy_if(axes.queries, std::back_inserter(heads), [&](unsigned axis) {
    return !llvm::is_contained(queries, axis);
  });
  auto layoutOf = [&](const AxisList &heads, const AxisList &length,
                      const AxisList &width) {
    if (hasHeadDim)
      return Layout{batch, heads, length, width};
    AxisList merged = heads;
    llvm::append_range(merged, width);
    return Layout{batch, length, merged};
  };
  return {hasHeadDim,
          layoutOf(heads, queries, axes.depth),
          layoutOf(keyHeads, axes.keys, axes.depth),
          layoutOf(keyHeads, axes.keys, axes.width),
          layoutOf(heads, queries, axes.width),
          {batch, heads, queries, axes.keys}};
}

/// Whether `attn.sdpa` has the form.
bool AttentionMatcher::isPossible(const Form &form) {
  const AxisList &heads = form.scores[1];
  if ((sinks && !pickSinks(heads)) || !mask->isPossible(form.scores))
    return false;
  // One head beside none is what the other form has too.
  if (form.hasHeadDim && heads.empty())
    return false;
  bool isShared = heads.size() + form.scores[0].size() > axes.batch.size();
  return (form.hasHeadDim && !isShared) ||
         elements.axes.getStaticSize(heads) >= 1;
}

/// What copies and reshapes the form needs; none if an operand cannot have it.
std::optional<int64_t> AttentionMatcher::getCost(const Form &form, Type type) {
  constexpr int64_t kCopy = 16;
  auto costOf = [&](ArrayRef<AxisList> from, ArrayRef<AxisList> to) -> int64_t {
    Layout source = elements.axes.resolveAll(from);
    if (ArrayRef<AxisList>(source) == to)
      return 0;
    return flatten(source) == flatten(to) ? 1 : kCopy;
  };
  int64_t cost = kCopy * mask->countRepeats(form.scores);
  std::pair<ArrayRef<Source>, const Layout *> operands[] = {
      {queries, &form.query}, {keys, &form.key}, {values, &form.value}};
  for (auto [sources, target] : operands) {
    const Source *source = pick(sources, type, *target);
    if (!source)
      source = pick(sources, /*type=*/{}, *target);
    if (!source)
      return std::nullopt;
    cost += costOf(source->element.layout, *target);
  }
  return cost + costOf(root.layout, form.out);
}

/// The form that needs the fewest copies, and among these the fewest reshapes.
std::optional<Form> AttentionMatcher::chooseForm(Type type) {
  std::optional<Form> best;
  int64_t lowest = 0;
  size_t count = axes.batch.size();
  for (const AxisList &queryAxes : getQueryAxes())
    for (size_t i = 0; i <= count; ++i)
      for (bool hasHeadDim : {true, false}) {
        // One head last: it is what the other forms do without.
        Form form =
            getForm(i == count ? count : count - 1 - i, queryAxes, hasHeadDim);
        if (!isPossible(form))
          continue;
        std::optional<int64_t> cost = getCost(form, type);
        if (cost && (!best || *cost < lowest)) {
          best = form;
          lowest = *cost;
        }
      }
  return best;
}

/// An operand with the layout `target`; counts its factor in the scale.
Value AttentionMatcher::build(OpBuilder &builder, Location loc,
                              ArrayRef<Source> sources, Type type,
                              ArrayRef<AxisList> target) {
  const Source *source = pick(sources, type, target);
  if (!source)
    source = pick(sources, /*type=*/{}, target);
  scale *= source->scale;
  Value tensor = elements.axes.rearrange(builder, loc, source->element.value,
                                         source->element.layout, target);
  return convert(builder, loc, tensor, type);
}

/// A dimension for each axis of `layout`.
static Layout splitApart(ArrayRef<AxisList> layout) {
  Layout apart;
  for (unsigned axis : flatten(layout))
    apart.push_back({axis});
  return apart;
}

/// `tensor`, in which each axis has a dimension of its own, times the factor,
/// which has some of the axes.
Value AttentionMatcher::multiply(OpBuilder &builder, Location loc, Value tensor,
                                 ArrayRef<AxisList> apart,
                                 const AttentionFactor &by) {
  Axes &all = elements.axes;
  const Element &element = by.element;
  AxisList axesOfFactor = all.resolve(flatten(element.layout));
  Layout apartInFactor;
  SmallVector<AffineExpr> dims;
  for (auto [dim, axis] : llvm::enumerate(flatten(apart)))
    if (llvm::is_contained(axesOfFactor, axis)) {
      apartInFactor.push_back({axis});
      dims.push_back(builder.getAffineDimExpr(dim));
    }
  Value factor = element.value;
  if (!element.isTensor())
    factor = tensor::FromElementsOp::create(
        builder, loc, RankedTensorType::get({}, factor.getType()), factor);
  factor = all.rearrange(builder, loc, factor, element.layout, apartInFactor);
  Type type = getElementTypeOrSelf(tensor);
  Value operands[] = {tensor, convert(builder, loc, factor, type)};
  AffineMap whole = builder.getMultiDimIdentityMap(apart.size());
  AffineMap part = AffineMap::get(apart.size(), 0, dims, builder.getContext());
  Value empty = tensor::EmptyOp::create(
      builder, loc, all.getSizes(builder, loc, apart), type);
  SmallVector<utils::IteratorType> iterators(apart.size(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, empty.getType(), operands, empty,
             ArrayRef{whole, part, whole}, iterators,
             [&](OpBuilder &b, Location at, ValueRange arguments) {
               Value x = arguments[0], y = arguments[1];
               Value result =
                   by.isDivisor
                       ? arith::DivFOp::create(b, at, x, y).getResult()
                       : arith::MulFOp::create(b, at, x, y).getResult();
               linalg::YieldOp::create(b, at, result);
             })
      .getResult(0);
}

/// The queries, times what scores are multiplied by.
Value AttentionMatcher::buildQueries(OpBuilder &builder, Location loc,
                                     Type type, ArrayRef<AxisList> target) {
  if (!scoreFactor)
    return build(builder, loc, queries, type, target);
  Layout apart = splitApart(target);
  Value product =
      multiply(builder, loc, build(builder, loc, queries, type, apart), apart,
               *scoreFactor);
  return elements.axes.rearrange(builder, loc, product, apart, target);
}

Operation *AttentionMatcher::replace() {
  Operation *old = root.value.getDefiningOp();
  OpBuilder builder(old);
  Location loc = old->getLoc();
  Type type = chooseType();
  Form form = *chooseForm(type);
  Value q = buildQueries(builder, loc, type, form.query);
  Value k = build(builder, loc, keys, type, form.key);
  Value v = build(builder, loc, values, type, form.value);
  Value sink;
  if (sinks) {
    const Element &source = pickSinks(form.scores[1])->element;
    sink = elements.axes.rearrange(builder, loc, source.value, source.layout,
                                   {form.scores[1]});
  }

  Type outType = getElementTypeOrSelf(root.value);
  if (outType != type)
    outType = builder.getF32Type();
  Value out = tensor::EmptyOp::create(
      builder, loc, elements.axes.getSizes(builder, loc, form.out), outType);
  int64_t heads = 1;
  if (!form.hasHeadDim)
    heads = elements.axes.getStaticSize(form.scores[1]);
  SmallVector<Value> outs = {out};
  if (shown) {
    Type shownType = getElementTypeOrSelf(shown.value);
    outs.push_back(tensor::EmptyOp::create(
        builder, loc, elements.axes.getSizes(builder, loc, form.scores),
        shownType == type ? type : Type(builder.getF32Type())));
  }
  auto toAttribute = [&](std::optional<int64_t> window) {
    return window ? builder.getI64IntegerAttr(*window) : IntegerAttr();
  };
  auto create = [&](OpBuilder &b, AttentionMask &masks) {
    Value added = masks.buildMask(b, loc, form.scores, type);
    Value lengths = masks.buildLengths(b, loc, form.scores);
    Value positions = masks.buildPositions(b, loc, form.scores);
    Value biases = masks.buildBiases(b, loc, form.scores);
    return SdpaOp::create(
        b, loc, ValueRange(outs).getTypes(), q, k, v, added, lengths, positions,
        /*rows=*/Value(), /*slopes=*/Value(), biases, sink,
        /*query_offsets=*/Value(), /*key_offsets=*/Value(), outs,
        b.getI64IntegerAttr(heads), b.getF64FloatAttr(scale),
        masks.isCausal() ? b.getUnitAttr() : UnitAttr(),
        toAttribute(masks.getWindowBefore()),
        toAttribute(masks.getWindowAfter()),
        softcap ? b.getF64FloatAttr(*softcap) : FloatAttr(),
        /*shown_heads=*/DenseI64ArrayAttr(), /*shown_mean=*/UnitAttr(),
        shownStage ? ScoreStageAttr::get(b.getContext(), *shownStage)
                   : ScoreStageAttr());
  };
  Operation *attention = nullptr;
  if (AttentionMask *unguarded = mask->getUnguarded()) {
    auto yield = [&](AttentionMask &masks) {
      return [&](OpBuilder &b, Location loc) {
        scf::YieldOp::create(b, loc, create(b, masks)->getResults());
      };
    };
    attention = scf::IfOp::create(builder, loc, mask->buildGuard(builder, loc),
                                  yield(*mask), yield(*unguarded));
  } else {
    attention = create(builder, *mask);
  }
  if (shown)
    elements.replace(builder, loc, shown, attention->getResult(1), form.scores);
  Value result = attention->getResult(0);
  Layout layout = form.out;
  if (resultFactor) {
    Layout apart = splitApart(layout);
    result = elements.axes.rearrange(builder, loc, result, layout, apart);
    result = multiply(builder, loc, result, apart, *resultFactor);
    layout = apart;
  }
  elements.replace(builder, loc, root, result, layout);
  return old;
}

namespace {

struct RaiseAttention : public attn::impl::RaiseAttentionBase<RaiseAttention> {
  void runOnOperation() override {
    resolveSizes(getOperation());
    sliceElements(getOperation());
    llvm::SetVector<Operation *> products(llvm::from_range,
                                          collectReductions(getOperation()));
    // The last first: that is the product with the values.
    while (!products.empty()) {
      Operation *product = products.pop_back_val();
      Block *block = product->getBlock();
      for (Value end : collectElementwiseUsers(product->getResult(0))) {
        AttentionMatcher matcher;
        if (!matcher.match(end, product))
          continue;
        auto forget = [&](Operation *erased) { products.remove(erased); };
        Operation *computed = matcher.getShownOp();
        eraseWithOperands(matcher.replace(), forget);
        if (computed) {
          eraseWithOperands(computed, forget);
          // Who used the probabilities may stand before their new definition.
          sortTopologically(block);
        }
        break;
      }
    }
  }
};

} // namespace
