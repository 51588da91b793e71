// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "OnnxScalars.h"
#include "TensorBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <functional>

using namespace mlir;
using namespace attn;
using llvm::StringRef;

/// Builds an operation; the constant that it folds to, if it does.
template <typename OpTy, typename... Args>
Value ScalarBuilder::make(Args &&...args) {
  return builder.createOrFold<OpTy>(location, std::forward<Args>(args)...);
}

Value ScalarBuilder::constant(Type type, double value) {
  return TensorBuilder(builder, location).scalar(type, value);
}

Value ScalarBuilder::cast(Value value, Type type) {
  Type from = value.getType();
  if (from == type)
    return value;
  // Arithmetic is of the same bits without a sign.
  auto reinterpret = [&](Value bits, Type as) {
    return UnrealizedConversionCastOp::create(builder, location, as, bits)
        .getResult(0);
  };
  Type middle = builder.getI32Type();
  if (from.isUnsignedInteger()) {
    Value bits = reinterpret(
        value, builder.getIntegerType(from.getIntOrFloatBitWidth()));
    return cast(make<arith::ExtUIOp>(middle, bits), type);
  }
  if (type.isUnsignedInteger()) {
    Type bits = builder.getIntegerType(type.getIntOrFloatBitWidth());
    return reinterpret(cast(cast(value, middle), bits), type);
  }
  if (type.isInteger(1))
    return isa<FloatType>(from) ? make<arith::CmpFOp>(arith::CmpFPredicate::UNE,
                                                      value, constant(from, 0))
                                : make<arith::CmpIOp>(arith::CmpIPredicate::ne,
                                                      value, constant(from, 0));
  unsigned width = type.getIntOrFloatBitWidth();
  unsigned had = from.getIntOrFloatBitWidth();
  if (isa<FloatType>(from) && isa<FloatType>(type)) {
    // Between f16 and bf16.
    if (width == had)
      return cast(make<arith::ExtFOp>(builder.getF32Type(), value), type);
    return width > had ? make<arith::ExtFOp>(type, value)
                       : make<arith::TruncFOp>(type, value);
  }
  if (isa<FloatType>(from))
    return make<arith::FPToSIOp>(type, value);
  if (isa<FloatType>(type))
    return had == 1 ? make<arith::UIToFPOp>(type, value)
                    : make<arith::SIToFPOp>(type, value);
  if (had == 1)
    return make<arith::ExtUIOp>(type, value);
  return width > had ? make<arith::ExtSIOp>(type, value)
                     : make<arith::TruncIOp>(type, value);
}

/// Towards zero. A division by 0 gives 0, and that by -1 never traps.
Value ScalarBuilder::divide(Value a, Value b) {
  Value zero = constant(a.getType(), 0), one = constant(a.getType(), 1);
  Value isZero = make<arith::CmpIOp>(arith::CmpIPredicate::eq, b, zero);
  Value isMinusOne = make<arith::CmpIOp>(arith::CmpIPredicate::eq, b,
                                         constant(a.getType(), -1));
  Value isSpecial = make<arith::OrIOp>(isZero, isMinusOne);
  Value divisor = make<arith::SelectOp>(isSpecial, one, b);
  Value quotient = make<arith::DivSIOp>(a, divisor);
  quotient =
      make<arith::SelectOp>(isMinusOne, make<arith::SubIOp>(zero, a), quotient);
  return make<arith::SelectOp>(isZero, zero, quotient);
}

/// With the sign of the divisor, as in Python.
Value ScalarBuilder::modulo(Value a, Value b) {
  Value rest = make<arith::SubIOp>(a, make<arith::MulIOp>(divide(a, b), b));
  Value zero = constant(a.getType(), 0);
  Value isNegative = make<arith::CmpIOp>(arith::CmpIPredicate::slt,
                                         make<arith::XOrIOp>(rest, b), zero);
  Value isNone = make<arith::CmpIOp>(arith::CmpIPredicate::eq, rest, zero);
  Value keeps = make<arith::OrIOp>(
      isNone,
      make<arith::XOrIOp>(isNegative, constant(builder.getI1Type(), 1)));
  return make<arith::SelectOp>(keeps, rest, make<arith::AddIOp>(rest, b));
}

Value ScalarBuilder::gelu(Value x, bool byTanh) {
  Type type = x.getType();
  Value inner;
  if (byTanh) {
    Value cube = make<arith::MulFOp>(make<arith::MulFOp>(x, x), x);
    Value sum = make<arith::AddFOp>(
        x, make<arith::MulFOp>(cube, constant(type, 0.044715)));
    inner = make<math::TanhOp>(make<arith::MulFOp>(
        sum, constant(type, std::sqrt(2 * llvm::numbers::inv_pi))));
  } else {
    inner = make<math::ErfOp>(
        make<arith::MulFOp>(x, constant(type, llvm::numbers::sqrt2 / 2)));
  }
  Value half = make<arith::MulFOp>(x, constant(type, 0.5));
  return make<arith::MulFOp>(half,
                             make<arith::AddFOp>(inner, constant(type, 1)));
}

Value ScalarBuilder::buildFloat(StringRef operation, ValueRange operands) {
  Value x = operands[0], y = operands.size() > 1 ? operands[1] : Value();
  Type type = x.getType();
  auto compare = [&](arith::CmpFPredicate predicate) {
    return make<arith::CmpFOp>(predicate, x, y);
  };
  using Predicate = arith::CmpFPredicate;
  using Make = std::function<Value()>;
  const std::pair<StringRef, Make> table[] = {
      {"Add", [&] { return make<arith::AddFOp>(x, y); }},
      {"Sum", [&] { return make<arith::AddFOp>(x, y); }},
      {"Sub", [&] { return make<arith::SubFOp>(x, y); }},
      {"Mul", [&] { return make<arith::MulFOp>(x, y); }},
      {"Div", [&] { return make<arith::DivFOp>(x, y); }},
      {"Pow", [&] { return make<math::PowFOp>(x, y); }},
      {"Min", [&] { return make<arith::MinimumFOp>(x, y); }},
      {"Max", [&] { return make<arith::MaximumFOp>(x, y); }},
      {"Neg", [&] { return make<arith::NegFOp>(x); }},
      {"Abs", [&] { return make<math::AbsFOp>(x); }},
      {"Sqrt", [&] { return make<math::SqrtOp>(x); }},
      {"Exp", [&] { return make<math::ExpOp>(x); }},
      {"Log", [&] { return make<math::LogOp>(x); }},
      {"Sin", [&] { return make<math::SinOp>(x); }},
      {"Cos", [&] { return make<math::CosOp>(x); }},
      {"Tanh", [&] { return make<math::TanhOp>(x); }},
      {"Erf", [&] { return make<math::ErfOp>(x); }},
      {"Floor", [&] { return make<math::FloorOp>(x); }},
      {"Ceil", [&] { return make<math::CeilOp>(x); }},
      {"Round", [&] { return make<math::RoundEvenOp>(x); }},
      {"Reciprocal", [&] { return make<arith::DivFOp>(constant(type, 1), x); }},
      {"Relu", [&] { return make<arith::MaximumFOp>(x, constant(type, 0)); }},
      {"Sigmoid",
       [&] {
         Value e = make<math::ExpOp>(make<arith::NegFOp>(x));
         return make<arith::DivFOp>(constant(type, 1),
                                    make<arith::AddFOp>(e, constant(type, 1)));
       }},
      {"Softplus",
       [&] {
         Value e =
             make<math::ExpOp>(make<arith::NegFOp>(make<math::AbsFOp>(x)));
         return make<arith::AddFOp>(
             make<arith::MaximumFOp>(x, constant(type, 0)),
             make<math::Log1pOp>(e));
       }},
      {"Sign",
       [&] {
         Value zero = constant(type, 0);
         Value isAbove = make<arith::CmpFOp>(Predicate::OGT, x, zero);
         Value isBelow = make<arith::CmpFOp>(Predicate::OLT, x, zero);
         return make<arith::SelectOp>(
             isAbove, constant(type, 1),
             make<arith::SelectOp>(isBelow, constant(type, -1), x));
       }},
      {"IsNaN", [&] { return make<arith::CmpFOp>(Predicate::UNO, x, x); }},
      {"Equal", [&] { return compare(Predicate::OEQ); }},
      {"Less", [&] { return compare(Predicate::OLT); }},
      {"LessOrEqual", [&] { return compare(Predicate::OLE); }},
      {"Greater", [&] { return compare(Predicate::OGT); }},
      {"GreaterOrEqual", [&] { return compare(Predicate::OGE); }},
  };
  for (const auto &[name, build] : table)
    if (name == operation)
      return build();
  return {};
}

Value ScalarBuilder::buildInteger(StringRef operation, ValueRange operands) {
  Value x = operands[0], y = operands.size() > 1 ? operands[1] : Value();
  auto compare = [&](arith::CmpIPredicate predicate) {
    return make<arith::CmpIOp>(predicate, x, y);
  };
  auto negate = [&] {
    return make<arith::SubIOp>(constant(x.getType(), 0), x);
  };
  using Predicate = arith::CmpIPredicate;
  using Make = std::function<Value()>;
  const std::pair<StringRef, Make> table[] = {
      {"Add", [&] { return make<arith::AddIOp>(x, y); }},
      {"Sub", [&] { return make<arith::SubIOp>(x, y); }},
      {"Mul", [&] { return make<arith::MulIOp>(x, y); }},
      {"Div", [&] { return divide(x, y); }},
      {"Mod", [&] { return modulo(x, y); }},
      {"Min", [&] { return make<arith::MinSIOp>(x, y); }},
      {"Max", [&] { return make<arith::MaxSIOp>(x, y); }},
      {"Neg", [&] { return negate(); }},
      {"Abs", [&] { return make<arith::MaxSIOp>(x, negate()); }},
      {"Sign",
       [&] {
         Value least = make<arith::MaxSIOp>(x, constant(x.getType(), -1));
         return make<arith::MinSIOp>(least, constant(x.getType(), 1));
       }},
      {"Equal", [&] { return compare(Predicate::eq); }},
      {"Less", [&] { return compare(Predicate::slt); }},
      {"LessOrEqual", [&] { return compare(Predicate::sle); }},
      {"Greater", [&] { return compare(Predicate::sgt); }},
      {"GreaterOrEqual", [&] { return compare(Predicate::sge); }},
  };
  for (const auto &[name, build] : table)
    if (name == operation)
      return build();
  return {};
}

Value ScalarBuilder::buildLogic(StringRef operation, ValueRange operands) {
  Value x = operands[0], y = operands.size() > 1 ? operands[1] : Value();
  if (operation == "And")
    return make<arith::AndIOp>(x, y);
  if (operation == "Or")
    return make<arith::OrIOp>(x, y);
  if (operation == "Xor")
    return make<arith::XOrIOp>(x, y);
  if (operation == "Not")
    return make<arith::XOrIOp>(x, constant(x.getType(), 1));
  if (operation == "Equal")
    return make<arith::CmpIOp>(arith::CmpIPredicate::eq, x, y);
  return {};
}

bool ScalarBuilder::knows(StringRef operation) {
  return llvm::StringSwitch<bool>(operation)
      .Cases({"Add", "Sub", "Mul", "Div", "Mod", "Pow"}, true)
      .Cases({"Min", "Max", "Sum"}, true)
      .Cases({"Neg", "Abs", "Sqrt", "Exp", "Log", "Sin", "Cos", "Tanh"}, true)
      .Cases({"Erf", "Floor", "Ceil", "Round", "Reciprocal", "Relu"}, true)
      .Cases({"Sigmoid", "Sign", "Softplus", "IsNaN", "Equal", "Less",
              "LessOrEqual", "Greater"},
             true)
      .Cases({"GreaterOrEqual", "And", "Or", "Xor", "Not", "Where"}, true)
      .Default(false);
}

Value ScalarBuilder::build(StringRef operation, ValueRange operands) {
  if (operation == "Where") {
    if (operands.size() != 3 || !operands[0].getType().isInteger(1) ||
        operands[1].getType() != operands[2].getType())
      return {};
    return make<arith::SelectOp>(operands[0], operands[1], operands[2]);
  }
  constexpr StringRef variadic[] = {"Min", "Max", "Sum"};
  constexpr StringRef unary[] = {
      "Neg",   "Abs", "Sqrt",  "Exp",      "Log",        "Sin",  "Cos",
      "Tanh",  "Erf", "Floor", "Ceil",     "Reciprocal", "Relu", "Sigmoid",
      "IsNaN", "Not", "Sign",  "Softplus", "Round"};
  if (llvm::is_contained(variadic, operation) && operands.size() == 1)
    return operands[0];
  bool isUnary = llvm::is_contained(unary, operation);
  if (operands.empty() || (operands.size() < 2) != isUnary ||
      (operands.size() > 2 && !llvm::is_contained(variadic, operation)))
    return {};
  // An exponent may be of a type of its own.
  Value result = operands[0];
  Type type = result.getType();
  for (size_t i = 1; i < std::max<size_t>(operands.size(), 2); ++i) {
    SmallVector<Value, 2> pair = {result};
    if (!isUnary)
      pair.push_back(operation == "Pow" && isa<FloatType>(type)
                         ? cast(operands[i], type)
                         : operands[i]);
    if (pair.back().getType() != type || type.isUnsignedInteger())
      return {};
    if (isa<FloatType>(type))
      result = buildFloat(operation, pair);
    else if (type.isInteger(1))
      result = buildLogic(operation, pair);
    else
      result = buildInteger(operation, pair);
    if (!result)
      return {};
  }
  return result;
}
