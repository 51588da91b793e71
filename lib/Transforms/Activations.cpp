// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Activations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using namespace attn;

namespace {

/// constant · Π factors / Π divisors
struct Product {
  double constant = 1;
  SmallVector<Element> factors, divisors;
};

/// constant · (1 + f(sign · argument)), where f(-x) is -f(x)
struct OddTerm {
  double constant, sign;
  Element argument;
};

class ActivationMatcher {
public:
  explicit ActivationMatcher(Elements &elements) : elements(elements) {}

  std::optional<Element> matchReLU(const Element &element);
  std::optional<Element> matchGELU(const Element &element);
  std::optional<Element> matchGELUTanh(const Element &element);
  std::optional<Element> matchSiLU(const Element &element);

private:
  template <typename Function>
  std::optional<OddTerm> matchOnePlus(const Element &element);
  template <typename Function>
  std::optional<Element>
  matchHalf(const Element &element,
            llvm::function_ref<bool(const Element &, double, const Element &)>
                isArgument);
  bool isTanhArgument(const Element &element, double sign, const Element &x);
  bool addFactors(const Element &element, bool isDivisor, Product &product);
  bool isMultiple(const Element &element, double factor, const Element &of,
                  unsigned power = 1);

  Elements &elements;
};

} // namespace

/// Whether `value` is `expected` as far as the type tells it.
static bool isAbout(double value, double expected, Type type) {
  double precision = getElementTypeOrSelf(type).isF32() ? 1e-6 : 1e-2;
  return std::abs(value - expected) <= precision * std::abs(expected);
}

/// Adds what `element` is a product of.
bool ActivationMatcher::addFactors(const Element &element, bool isDivisor,
                                   Product &product) {
  // No activation has more.
  constexpr size_t kLimit = 4;
  Element e = elements.plain(element);
  if (std::optional<double> constant = elements.getConstant(e)) {
    product.constant *= isDivisor ? 1 / *constant : *constant;
    return true;
  }
  if (e.getOp<arith::MulFOp>() || e.getOp<arith::DivFOp>())
    return addFactors(elements.operand(e, 0), isDivisor, product) &&
           addFactors(elements.operand(e, 1),
                      isDivisor != static_cast<bool>(e.getOp<arith::DivFOp>()),
                      product);
  bool isNegated = static_cast<bool>(e.getOp<arith::NegFOp>());
  if (isNegated || (e.getOp<arith::SubFOp>() &&
                    elements.getConstant(elements.operand(e, 0)) == 0.0)) {
    product.constant = -product.constant;
    return addFactors(elements.operand(e, isNegated ? 0 : 1), isDivisor,
                      product);
  }
  SmallVector<Element> &list = isDivisor ? product.divisors : product.factors;
  list.push_back(e);
  return list.size() <= kLimit;
}

/// Whether `element` is `factor` times a power of `of`, which may be 0.
bool ActivationMatcher::isMultiple(const Element &element, double factor,
                                   const Element &of, unsigned power) {
  Product parts;
  if (!addFactors(element, /*isDivisor=*/false, parts) ||
      !parts.divisors.empty() ||
      !isAbout(parts.constant, factor, element.value.getType()))
    return false;
  // As a product of its own, or as one power.
  if (parts.factors.size() == power)
    return llvm::all_of(parts.factors, [&](const Element &other) {
      return elements.areSame(other, of);
    });
  if (parts.factors.size() != 1)
    return false;
  const Element &e = parts.factors.front();
  bool isPower = false;
  if (e.getOp<math::PowFOp>())
    isPower = elements.getConstant(elements.operand(e, 1)) == power;
  else if (auto op = e.getOp<math::FPowIOp>())
    isPower = getConstantIntValue(op.getRhs()) == power;
  return isPower && elements.areSame(elements.operand(e, 0), of);
}

/// max(x, 0): x.
std::optional<Element> ActivationMatcher::matchReLU(const Element &element) {
  Element e = elements.plain(element);
  if (e.getOp<arith::MaximumFOp>() || e.getOp<arith::MaxNumFOp>()) {
    for (unsigned index : {0, 1})
      if (elements.getConstant(elements.operand(e, index)) == 0.0)
        return elements.operand(e, 1 - index);
    return std::nullopt;
  }
  if (!e.getOp<arith::SelectOp>())
    return std::nullopt;
  Element condition = elements.forward(elements.operand(e, 0));
  auto compare = condition.getOp<arith::CmpFOp>();
  if (!compare || elements.getConstant(elements.operand(condition, 1)) != 0.0)
    return std::nullopt;
  using Predicate = arith::CmpFPredicate;
  bool isGreater = llvm::is_contained(
      {Predicate::OGT, Predicate::OGE, Predicate::UGT, Predicate::UGE},
      compare.getPredicate());
  bool isLess = llvm::is_contained(
      {Predicate::OLT, Predicate::OLE, Predicate::ULT, Predicate::ULE},
      compare.getPredicate());
  Element x = elements.operand(condition, 0);
  if ((!isGreater && !isLess) ||
      elements.getConstant(elements.operand(e, isGreater ? 2 : 1)) != 0.0 ||
      !elements.areSame(elements.operand(e, isGreater ? 1 : 2), x))
    return std::nullopt;
  return x;
}

/// c · (1 + f(x)); of erf also the complement: erfc(x) = 1 + erf(-x).
template <typename Function>
std::optional<OddTerm> ActivationMatcher::matchOnePlus(const Element &element) {
  Element e = elements.plain(element);
  if (std::is_same_v<Function, math::ErfOp> && e.getOp<math::ErfcOp>())
    return OddTerm{1, -1, elements.operand(e, 0)};
  if (!e.getOp<arith::AddFOp>())
    return std::nullopt;
  for (unsigned index : {0, 1}) {
    auto constant = elements.getConstant(elements.operand(e, index));
    Product term;
    if (!constant ||
        !addFactors(elements.operand(e, 1 - index), /*isDivisor=*/false, term))
      continue;
    if (term.factors.size() == 1 && term.divisors.empty() &&
        term.constant == *constant && term.factors.front().getOp<Function>())
      return OddTerm{*constant, 1, elements.operand(term.factors.front(), 0)};
  }
  return std::nullopt;
}

/// x · (1 + f(sign · argument)) / 2 where isArgument(argument, sign, x): x.
template <typename Function>
std::optional<Element> ActivationMatcher::matchHalf(
    const Element &element,
    llvm::function_ref<bool(const Element &, double, const Element &)>
        isArgument) {
  Product parts;
  if (!addFactors(element, /*isDivisor=*/false, parts) ||
      parts.factors.size() != 2 || !parts.divisors.empty())
    return std::nullopt;
  for (unsigned index : {0, 1}) {
    const Element &x = parts.factors[1 - index];
    std::optional<OddTerm> term = matchOnePlus<Function>(parts.factors[index]);
    if (term &&
        isAbout(parts.constant * term->constant, 0.5,
                element.value.getType()) &&
        isArgument(term->argument, term->sign, x))
      return x;
  }
  return std::nullopt;
}

/// x · (1 + erf(x / √2)) / 2: x.
std::optional<Element> ActivationMatcher::matchGELU(const Element &element) {
  return matchHalf<math::ErfOp>(
      element, [&](const Element &argument, double sign, const Element &x) {
        return isMultiple(argument, sign * M_SQRT1_2, x);
      });
}

/// sign · √(2/π) · (x + 0.044715 · x³), of which x may be taken out.
bool ActivationMatcher::isTanhArgument(const Element &element, double sign,
                                       const Element &x) {
  const double factor = sign * M_SQRT2 / std::sqrt(M_PI);
  Product parts;
  if (!addFactors(element, /*isDivisor=*/false, parts) ||
      !parts.divisors.empty() || parts.constant == 0)
    return false;
  unsigned outside = 0;
  std::optional<Element> sum;
  for (const Element &part : parts.factors) {
    if (elements.areSame(part, x))
      ++outside;
    else if (!sum && part.getOp<arith::AddFOp>())
      sum = part;
    else
      return false;
  }
  if (!sum || outside > 1)
    return false;
  double inside = factor / parts.constant;
  for (unsigned index : {0, 1})
    if (isMultiple(elements.operand(*sum, index), inside, x, 1 - outside) &&
        isMultiple(elements.operand(*sum, 1 - index), inside * 0.044715, x,
                   3 - outside))
      return true;
  return false;
}

/// x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2: x.
std::optional<Element>
ActivationMatcher::matchGELUTanh(const Element &element) {
  return matchHalf<math::TanhOp>(
      element, [&](const Element &argument, double sign, const Element &x) {
        return isTanhArgument(argument, sign, x);
      });
}

/// x / (1 + exp(-x)): x.
std::optional<Element> ActivationMatcher::matchSiLU(const Element &element) {
  Product parts;
  if (!addFactors(element, /*isDivisor=*/false, parts) ||
      parts.factors.size() != 1 || parts.divisors.size() != 1 ||
      parts.constant != 1)
    return std::nullopt;
  Element divisor = parts.divisors.front();
  if (!divisor.getOp<arith::AddFOp>())
    return std::nullopt;
  for (unsigned index : {0, 1}) {
    Element power = elements.plain(elements.operand(divisor, 1 - index));
    if (elements.getConstant(elements.operand(divisor, index)) == 1.0 &&
        power.getOp<math::ExpOp>() &&
        isMultiple(elements.operand(power, 0), -1, parts.factors.front()))
      return parts.factors.front();
  }
  return std::nullopt;
}

std::optional<std::pair<Activation, Element>>
attn::matchActivation(Elements &elements, const Element &element) {
  ActivationMatcher matcher(elements);
  if (std::optional<Element> x = matcher.matchReLU(element))
    return std::pair(Activation::ReLU, *x);
  if (std::optional<Element> x = matcher.matchGELU(element))
    return std::pair(Activation::GELU, *x);
  if (std::optional<Element> x = matcher.matchGELUTanh(element))
    return std::pair(Activation::GELUTanh, *x);
  if (std::optional<Element> x = matcher.matchSiLU(element))
    return std::pair(Activation::SiLU, *x);
  return std::nullopt;
}
