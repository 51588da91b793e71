// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an operator of ONNX sees when it is imported: its inputs, its attributes
// and a builder.

#ifndef ATTN_LIB_IMPORT_ONNXCALL_H
#define ATTN_LIB_IMPORT_ONNXCALL_H

#include "OnnxValue.h"
#include "TensorBuilder.h"
#include "attn/Weights/OnnxFile.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

namespace attn {

class ScalarBuilder;

/// The results of an operator that has one.
mlir::FailureOr<OnnxValues> onlyResult(mlir::FailureOr<OnnxValue> value);

/// What is the same for all operators of a graph.
struct OnnxImport {
  OnnxImport(TensorBuilder tensors, int64_t opset)
      : tensors(tensors), opset(opset) {}

  TensorBuilder tensors;
  int64_t opset;
  /// The first error, without the place.
  std::string message;
  struct KnownIntegers {
    /// Sizes that were computed as integers.
    llvm::DenseMap<mlir::Value, mlir::OpFoldResult> sizes;
    /// Integers that are sizes: one for each, so that comparing two folds.
    llvm::DenseMap<mlir::Value, mlir::Value> integers;
  };
  KnownIntegers known;
};

/// One node. Everything that an operator does not ask for is an error: an
/// attribute that nobody reads would change what is computed.
class OnnxCall {
public:
  OnnxCall(OnnxImport &import, const OnnxNode &node, OnnxValues inputs)
      : tensors(import.tensors), node(node), inputs(std::move(inputs)),
        import(import) {}

  /// More scalars than this are a tensor.
  static constexpr int64_t kFew = 64;

  TensorBuilder &tensors;
  const OnnxNode &node;

  int64_t opset() const { return import.opset; }
  /// A node that this one is made of; it has to outlive the call.
  OnnxCall derive(const OnnxNode &node, OnnxValues inputs) const {
    return OnnxCall(import, node, std::move(inputs));
  }
  OnnxCall derive(OnnxNode &&node, OnnxValues inputs) const = delete;
  /// Lets `build` fill a block: what it learns of sizes is not so elsewhere.
  mlir::LogicalResult buildIn(mlir::Block &block,
                              llvm::function_ref<mlir::LogicalResult()> build);
  /// Remembers the first error.
  mlir::LogicalResult fail(const llvm::Twine &message);

  // Inputs. One that is left out is false.
  OnnxValue input(size_t index) const {
    return index < inputs.size() ? inputs[index] : OnnxValue();
  }
  size_t numInputs() const { return inputs.size(); }
  bool hasOutput(size_t index) const {
    return index < node.outputs.size() && !node.outputs[index].empty();
  }
  /// Fails unless there are so many inputs and the first `least` are given.
  mlir::LogicalResult expectInputs(size_t least, size_t most);
  /// A whole axis of a value of `rank`, which may count from the end.
  mlir::FailureOr<int64_t> axis(int64_t axis, int64_t rank);

  // Values.
  SizedTensor asTensor(const OnnxValue &value);
  TensorSizes sizesOf(const OnnxValue &value);
  /// Integers that are constants; `what` is how an error calls them.
  mlir::FailureOr<llvm::SmallVector<int64_t>> asIntegers(const OnnxValue &value,
                                                         llvm::StringRef what);
  /// Integers that sizes of tensors were made of, or constants.
  mlir::FailureOr<TensorSizes> asSizes(const OnnxValue &value,
                                       llvm::StringRef what);
  /// Integers, as sizes.
  mlir::OpFoldResult asSize(mlir::Value integer);
  mlir::Value asInteger(mlir::OpFoldResult size);

  // Attributes, which are then known to be read.
  bool has(llvm::StringRef name) { return find(name) != nullptr; }
  int64_t integer(llvm::StringRef name, int64_t otherwise);
  double number(llvm::StringRef name, double otherwise);
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<llvm::SmallVector<int64_t>> integers(llvm::StringRef name);
  const OnnxAttribute *find(llvm::StringRef name);
  /// The same; remembers an error if it is not of `kind`.
  const OnnxAttribute *find(llvm::StringRef name, OnnxAttribute::Kind kind);
  /// An attribute that was not read; null if there is none.
  const OnnxAttribute *findUnread() const;
  /// Integers that older operators have as an attribute, newer ones as input
  /// `index`; none if they are not given.
  mlir::FailureOr<std::optional<llvm::SmallVector<int64_t>>>
  integersOf(size_t index, llvm::StringRef attribute);

  // Operators that others are made of.
  /// An elementwise operator, with broadcasting.
  mlir::FailureOr<OnnxValue> elementwise(llvm::StringRef operation,
                                         llvm::ArrayRef<OnnxValue> operands);
  /// Elements of `type` from those that operands have at their place, with
  /// broadcasting.
  using ScalarBody =
      llvm::function_ref<mlir::Value(ScalarBuilder &, mlir::ValueRange)>;
  mlir::FailureOr<OnnxValue> map(llvm::ArrayRef<OnnxValue> operands,
                                 mlir::Type type, ScalarBody body);
  OnnxValue cast(const OnnxValue &value, mlir::Type type);
  /// MatMul, with the rules of NumPy.
  mlir::FailureOr<OnnxValue> matmul(const OnnxValue &left,
                                    const OnnxValue &right);
  /// Softmax along an axis of floats, in f32 at least.
  OnnxValue softmax(const SizedTensor &tensor, int64_t axis);
  /// The sum over the axes, which stay with size 1.
  SizedTensor sum(const SizedTensor &tensor, llvm::ArrayRef<int64_t> axes);
  /// The lowest number of a type, or the greatest.
  mlir::Value extreme(mlir::Type type, bool isLowest);
  /// The greatest element over the axes, which stay with size 1, or the least.
  SizedTensor extreme(const SizedTensor &tensor, llvm::ArrayRef<int64_t> axes,
                      bool isGreatest);
  /// The mean, in the type of `tensor`, which is of floats.
  mlir::FailureOr<OnnxValue> mean(const SizedTensor &tensor,
                                  llvm::ArrayRef<int64_t> axes);
  OnnxValue reshape(const OnnxValue &value,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// A scalar constant.
  OnnxValue constant(mlir::Type type, double value) {
    return OnnxValue::scalar(tensors.scalar(type, value));
  }
  /// A constant of the file, if it is one that can be here.
  mlir::FailureOr<OnnxValue> constant(const OnnxTensor &tensor);

private:
  OnnxValues inputs;
  llvm::StringSet<> read;
  OnnxImport &import;
};

/// An attribute of a node that another one is made of.
OnnxAttribute makeAttribute(llvm::StringRef name, int64_t integer);
OnnxAttribute makeAttribute(llvm::StringRef name, double number);

/// Imports one node: its outputs, those that are left out included.
using OnnxOperator = mlir::FailureOr<OnnxValues> (*)(OnnxCall &);

// Operators by name, with the domain before it if that is not ONNX's own; null
// for those that the family has not.
OnnxOperator findActivationOperator(llvm::StringRef name);
OnnxOperator findElementwiseOperator(llvm::StringRef name);
OnnxOperator findShapeOperator(llvm::StringRef name);
OnnxOperator findMovingOperator(llvm::StringRef name);
OnnxOperator findGatherOperator(llvm::StringRef name);
OnnxOperator findNetworkOperator(llvm::StringRef name);
OnnxOperator findNormOperator(llvm::StringRef name);
OnnxOperator findPoolingOperator(llvm::StringRef name);
OnnxOperator findQuantizationOperator(llvm::StringRef name);
OnnxOperator findReductionOperator(llvm::StringRef name);
OnnxOperator findScatterOperator(llvm::StringRef name);
OnnxOperator findSelectionOperator(llvm::StringRef name);
/// What the activation makes of `x` that the attribute 'activation' names.
mlir::FailureOr<OnnxValues> activate(OnnxCall &call, const OnnxValue &x);
mlir::FailureOr<OnnxValues> importAttention(OnnxCall &call);
mlir::FailureOr<OnnxValues> importConvolution(OnnxCall &call);
mlir::FailureOr<OnnxValues> importEinsum(OnnxCall &call);
mlir::FailureOr<OnnxValues> importGroupQueryAttention(OnnxCall &call);
mlir::FailureOr<OnnxValues> importLinearAttention(OnnxCall &call);
mlir::FailureOr<OnnxValues> importRuntimeAttention(OnnxCall &call);
/// Puts the branch that is known to be taken in the place of the node, or both
/// where that is known only at run time; `build` has the outputs of one.
mlir::FailureOr<OnnxValues>
importIf(OnnxCall &call,
         llvm::function_ref<mlir::FailureOr<OnnxValues>(llvm::StringRef branch)>
             build);
mlir::FailureOr<OnnxValues> importMultiHeadAttention(OnnxCall &call);
mlir::FailureOr<OnnxValues> importResize(OnnxCall &call);
mlir::FailureOr<OnnxValues> importRotaryEmbedding(OnnxCall &call);
mlir::FailureOr<OnnxValues> importRuntimeRotaryEmbedding(OnnxCall &call);
mlir::FailureOr<OnnxValues> importSlice(OnnxCall &call);
mlir::FailureOr<OnnxValues> importTensorScatter(OnnxCall &call);

/// The type of MLIR; null if there is none that compiled code handles. UINT8 is
/// ui8 and UINT16 ui16 until the graph is whole: who computes with them has to
/// cast them before.
mlir::Type getElementType(mlir::MLIRContext *context, OnnxType type);

} // namespace attn

#endif // ATTN_LIB_IMPORT_ONNXCALL_H
