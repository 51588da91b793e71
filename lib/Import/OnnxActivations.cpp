// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Activations of ONNX, and of ONNX Runtime (com.microsoft).

#include "OnnxCall.h"
#include "OnnxScalars.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;

static FailureOr<OnnxValues> buildGelu(OnnxCall &call, const OnnxValue &value,
                                       bool byTanh) {
  SizedTensor x = call.asTensor(value);
  if (!isa<FloatType>(x.elementType()))
    return call.fail("expected an operand of floats");
  return OnnxValues{call.tensors.map(
      x, x.sizes, x.elementType(),
      [&](OpBuilder &b, Location loc, ValueRange arguments) {
        return ScalarBuilder(b, loc).gelu(arguments[0], byTanh);
      })};
}

static FailureOr<OnnxValues> importGelu(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  StringRef approximate = call.string("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return call.fail("expected 'approximate' none or tanh, got " + approximate);
  return buildGelu(call, call.input(0), approximate == "tanh");
}

/// ONNX Runtime's, of the sum with a bias that may be left out.
template <bool byTanh>
static FailureOr<OnnxValues> importBiasGelu(OnnxCall &call) {
  if (failed(call.expectInputs(1, 2)))
    return failure();
  FailureOr<OnnxValue> x = call.input(0);
  if (OnnxValue bias = call.input(1))
    x = call.elementwise("Add", {*x, bias});
  if (failed(x))
    return failure();
  return buildGelu(call, *x, byTanh);
}

/// x · sigmoid(alpha · x), with x as the first input.
static FailureOr<OnnxValue> buildSwish(OnnxCall &call, double alpha) {
  OnnxValue x = call.input(0);
  if (!isa<FloatType>(x.type()))
    return call.fail("expected an operand of floats");
  FailureOr<OnnxValue> result = x;
  if (alpha != 1)
    result = call.elementwise("Mul", {x, call.constant(x.type(), alpha)});
  if (succeeded(result))
    result = call.elementwise("Sigmoid", *result);
  if (failed(result))
    return failure();
  return call.elementwise("Mul", {x, *result});
}

static FailureOr<OnnxValues> importSwish(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  return onlyResult(buildSwish(call, call.number("alpha", 1)));
}

static FailureOr<OnnxValues> importQuickGelu(OnnxCall &call) {
  if (failed(call.expectInputs(1, 1)))
    return failure();
  return onlyResult(buildSwish(call, call.number("alpha", 1.702)));
}

/// The second input, times what Swish makes of the first.
static FailureOr<OnnxValues> importSwiGLU(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  FailureOr<OnnxValue> gate = buildSwish(call, call.number("alpha", 1));
  if (failed(gate))
    return failure();
  return onlyResult(call.elementwise("Mul", {*gate, call.input(1)}));
}

//===----------------------------------------------------------------------===//
// Of a few operations
//===----------------------------------------------------------------------===//

namespace {

/// An activation with at most two attributes, and what it makes of `x` with
/// their values, `a` and `b`.
struct Activation {
  struct Attribute {
    StringRef name;
    double otherwise;
  };
  StringRef name;
  Attribute a, b;
  Value (*build)(ScalarBuilder &s, Value x, Value a, Value b);
};

} // namespace

static Value chooseBelow(ScalarBuilder &s, Value x, Value below, Value other) {
  Value zero = s.constant(x.getType(), 0);
  return s.build("Where", {s.build("Less", {x, zero}), below, other});
}

/// a · (exp(x) - 1)
static Value buildExponential(ScalarBuilder &s, Value x, Value a) {
  Value one = s.constant(x.getType(), 1);
  return s.build("Mul", {a, s.build("Sub", {s.build("Exp", x), one})});
}

/// a · x + b, but at least 0 and at most 1.
static Value buildRamp(ScalarBuilder &s, Value x, Value a, Value b) {
  Value ramp = s.build("Add", {s.build("Mul", {a, x}), b});
  ramp = s.build("Min", {ramp, s.constant(x.getType(), 1)});
  return s.build("Max", {ramp, s.constant(x.getType(), 0)});
}

static const Activation kActivations[] = {
    {"Celu",
     {"alpha", 1},
     {},
     [](ScalarBuilder &s, Value x, Value a, Value) {
       Value zero = s.constant(x.getType(), 0);
       Value below = buildExponential(s, s.build("Div", {x, a}), a);
       return s.build(
           "Add", {s.build("Max", {x, zero}), s.build("Min", {below, zero})});
     }},
    {"Elu",
     {"alpha", 1},
     {},
     [](ScalarBuilder &s, Value x, Value a, Value) {
       return chooseBelow(s, x, buildExponential(s, x, a), x);
     }},
    {"HardSigmoid", {"alpha", 0.2}, {"beta", 0.5}, buildRamp},
    {"HardSwish",
     {"", 1. / 6},
     {"", 0.5},
     [](ScalarBuilder &s, Value x, Value a, Value b) {
       return s.build("Mul", {x, buildRamp(s, x, a, b)});
     }},
    {"LeakyRelu",
     {"alpha", 0.01},
     {},
     [](ScalarBuilder &s, Value x, Value a, Value) {
       return chooseBelow(s, x, s.build("Mul", {a, x}), x);
     }},
    {"Mish",
     {},
     {},
     [](ScalarBuilder &s, Value x, Value, Value) {
       return s.build("Mul", {x, s.build("Tanh", s.build("Softplus", x))});
     }},
    {"Selu",
     {"alpha", 1.67326319217681884765625},
     {"gamma", 1.05070102214813232421875},
     [](ScalarBuilder &s, Value x, Value a, Value b) {
       Value below = buildExponential(s, x, a);
       return s.build("Mul", {b, chooseBelow(s, x, below, x)});
     }},
    {"Softsign",
     {},
     {},
     [](ScalarBuilder &s, Value x, Value, Value) {
       Value one = s.constant(x.getType(), 1);
       return s.build("Div", {x, s.build("Add", {one, s.build("Abs", x)})});
     }},
    {"ThresholdedRelu",
     {"alpha", 1},
     {},
     [](ScalarBuilder &s, Value x, Value a, Value) {
       Value isAbove = s.build("Greater", {x, a});
       return s.build("Where", {isAbove, x, s.constant(x.getType(), 0)});
     }},
};

static const Activation *find(StringRef name) {
  const Activation *found = llvm::find_if(
      kActivations, [&](const Activation &each) { return each.name == name; });
  return found == std::end(kActivations) ? nullptr : found;
}

static FailureOr<OnnxValues> importActivation(OnnxCall &call) {
  const Activation *activation = find(call.node.operation);
  if (failed(call.expectInputs(1, 1)))
    return failure();
  OnnxValue x = call.input(0);
  if (!isa<FloatType>(x.type()))
    return call.fail("expected an operand of floats");
  auto read = [&](const Activation::Attribute &attribute) {
    return attribute.name.empty()
               ? attribute.otherwise
               : call.number(attribute.name, attribute.otherwise);
  };
  double a = read(activation->a), b = read(activation->b);
  return onlyResult(
      call.map({x}, x.type(), [&](ScalarBuilder &s, ValueRange at) {
        return activation->build(s, at[0], s.constant(x.type(), a),
                                 s.constant(x.type(), b));
      }));
}

static FailureOr<OnnxValues> importPRelu(OnnxCall &call) {
  if (failed(call.expectInputs(2, 2)))
    return failure();
  OnnxValue x = call.input(0), slope = call.input(1);
  if (!isa<FloatType>(x.type()) || slope.type() != x.type())
    return call.fail("expected an operand of floats and slopes of its type");
  return onlyResult(
      call.map({x, slope}, x.type(), [&](ScalarBuilder &s, ValueRange at) {
        return chooseBelow(s, at[0], s.build("Mul", {at[1], at[0]}), at[0]);
      }));
}

FailureOr<OnnxValues> attn::activate(OnnxCall &call, const OnnxValue &x) {
  OnnxNode node;
  node.operation = call.string("activation", "");
  for (StringRef name : {"alpha", "beta", "gamma"}) {
    std::string fused = ("activation_" + name).str();
    if (call.has(fused))
      node.attributes.push_back(makeAttribute(name, call.number(fused, 0)));
  }
  OnnxOperator activation = findActivationOperator(node.operation);
  if (!activation)
    activation = findElementwiseOperator(node.operation);
  if (!activation)
    return call.fail("expected an 'activation' that attn can import, got '" +
                     node.operation + "'");
  OnnxCall derived = call.derive(node, {x});
  FailureOr<OnnxValues> result = activation(derived);
  if (const OnnxAttribute *attribute = derived.findUnread();
      succeeded(result) && attribute)
    return call.fail("expected attributes that can be imported, got "
                     "'activation_" +
                     attribute->name + "'");
  return result;
}

OnnxOperator attn::findActivationOperator(StringRef name) {
  if (find(name))
    return importActivation;
  return llvm::StringSwitch<OnnxOperator>(name)
      .Case("Gelu", importGelu)
      .Case("PRelu", importPRelu)
      .Case("SwiGLU", importSwiGLU)
      .Case("Swish", importSwish)
      .Case("com.microsoft.Gelu", importBiasGelu<false>)
      .Case("com.microsoft.BiasGelu", importBiasGelu<false>)
      .Case("com.microsoft.FastGelu", importBiasGelu<true>)
      .Case("com.microsoft.QuickGelu", importQuickGelu)
      .Default(nullptr);
}
