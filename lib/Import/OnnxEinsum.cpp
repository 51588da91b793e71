// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ONNX's Einsum: operands are transposed so that two of them are one product of
// matrices.

#include "OnnxCall.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace attn;
using llvm::StringRef;
using llvm::Twine;

namespace {

/// A tensor whose dimensions have names.
struct Labelled {
  SizedTensor tensor;
  std::string labels;
};

/// Imports one node.
class EinsumImporter {
public:
  explicit EinsumImporter(OnnxCall &call) : call(call), tensors(call.tensors) {}

  FailureOr<OnnxValues> run();

private:
  FailureOr<std::string> readLabels(StringRef text, std::optional<int64_t> rank,
                                    size_t others);
  LogicalResult readOperands();
  void sumUnused(Labelled &operand, StringRef used);
  Labelled arrange(const Labelled &operand, StringRef labels);
  FailureOr<Labelled> multiply(const Labelled &a, const Labelled &b,
                               StringRef used);

  OnnxCall &call;
  TensorBuilder &tensors;
  SmallVector<Labelled, 2> operands;
  std::string result;
};

} // namespace

static bool contains(StringRef labels, char label) {
  return labels.contains(label);
}

/// The labels of one operand, or of the result. An ellipsis stands for `others`
/// dimensions, or for all of `rank` that have no name: these are digits, the
/// last one is 0.
FailureOr<std::string> EinsumImporter::readLabels(StringRef text,
                                                  std::optional<int64_t> rank,
                                                  size_t others) {
  auto [before, after] = text.split("...");
  bool hasEllipsis = before.size() != text.size();
  if (rank && hasEllipsis)
    others = *rank - int64_t(before.size() + after.size());
  std::string labels = before.str();
  if (hasEllipsis && others <= 10)
    for (size_t place = others; place-- > 0;)
      labels += static_cast<char>('0' + place);
  labels += after.str();
  bool isKnown = llvm::all_of(before.str() + after.str(),
                              [](char label) { return llvm::isAlpha(label); });
  std::string sorted = labels;
  llvm::sort(sorted);
  if (!isKnown || llvm::unique(sorted) != sorted.end() ||
      (rank && int64_t(labels.size()) != *rank))
    return call.fail("expected an 'equation' with another letter for each "
                     "dimension, got " +
                     text);
  return labels;
}

LogicalResult EinsumImporter::readOperands() {
  std::string equation;
  for (char symbol : call.string("equation", ""))
    if (symbol != ' ')
      equation += symbol;
  auto [given, wanted] = StringRef(equation).split("->");
  SmallVector<StringRef> terms;
  given.split(terms, ',');
  if (terms.size() != call.numInputs() ||
      failed(call.expectInputs(1, call.numInputs())))
    return call.fail("expected an 'equation' of " + Twine(call.numInputs()) +
                     " operands, got " + equation);
  size_t others = 0;
  std::string all;
  for (auto [index, term] : llvm::enumerate(terms)) {
    SizedTensor tensor = call.asTensor(call.input(index));
    FailureOr<std::string> labels = readLabels(term, tensor.rank(), 0);
    if (failed(labels))
      return failure();
    if (!isa<FloatType>(tensor.elementType()) ||
        tensor.elementType() != call.input(0).type())
      return call.fail("expected operands of floats of one type");
    others = std::max<size_t>(others, llvm::count_if(*labels, llvm::isDigit));
    all += *labels;
    operands.push_back({tensor, *labels});
  }
  if (StringRef(equation).contains("->")) {
    FailureOr<std::string> labels = readLabels(wanted, std::nullopt, others);
    if (failed(labels))
      return failure();
    result = *labels;
  } else {
    // Those that occur once, in the order of the alphabet.
    for (size_t place = others; place-- > 0;)
      result += static_cast<char>('0' + place);
    std::string sorted = all;
    llvm::sort(sorted);
    for (char label : sorted)
      if (llvm::isAlpha(label) && llvm::count(all, label) == 1)
        result += label;
  }
  for (char label : result)
    if (!contains(all, label))
      return call.fail("expected letters of operands in the result, got " +
                       Twine(label));
  return success();
}

/// Adds up along dimensions that nothing else has.
void EinsumImporter::sumUnused(Labelled &operand, StringRef used) {
  SmallVector<int64_t> axes;
  TensorSizes sizes;
  std::string labels;
  for (auto [dim, label] : llvm::enumerate(operand.labels)) {
    if (contains(used, label)) {
      sizes.push_back(operand.tensor.sizes[dim]);
      labels += label;
    } else {
      axes.push_back(int64_t(dim));
    }
  }
  if (axes.empty())
    return;
  Type type = operand.tensor.elementType();
  SizedTensor sum = operand.tensor;
  if (type.getIntOrFloatBitWidth() < 32)
    sum = call.cast(sum, tensors.builder.getF32Type()).tensor();
  sum = tensors.reshape(call.sum(sum, axes), sizes);
  operand = {call.cast(sum, type).tensor(), labels};
}

/// The dimensions in the order of `labels`; those that are missing have size 1.
Labelled EinsumImporter::arrange(const Labelled &operand, StringRef labels) {
  SmallVector<int64_t> order;
  TensorSizes sizes;
  for (char label : labels) {
    size_t dim = operand.labels.find(label);
    if (dim == std::string::npos) {
      sizes.push_back(tensors.constantSize(1));
      continue;
    }
    order.push_back(int64_t(dim));
    sizes.push_back(operand.tensor.sizes[dim]);
  }
  SizedTensor tensor = operand.tensor;
  if (!llvm::is_sorted(order))
    tensor = tensors.transpose(tensor, order);
  return {tensors.reshape(tensor, sizes), labels.str()};
}

/// One product of matrices: what both have and is not `used` is added up.
FailureOr<Labelled>
EinsumImporter::multiply(const Labelled &a, const Labelled &b, StringRef used) {
  std::string batch, rows, columns, depth;
  for (char label : a.labels) {
    bool isShared = contains(b.labels, label);
    std::string &list = !isShared && !llvm::isDigit(label) ? rows
                        : contains(used, label)            ? batch
                                                           : depth;
    list += label;
  }
  for (char label : b.labels)
    if (!contains(a.labels, label))
      (llvm::isDigit(label) ? batch : columns) += label;
  // Dimensions of an ellipsis that one operand alone has come first.
  std::string ellipsis;
  llvm::copy_if(batch, std::back_inserter(ellipsis), llvm::isDigit);
  llvm::sort(ellipsis, std::greater<>());
  llvm::erase_if(batch, llvm::isDigit);
  batch = ellipsis + batch;
  Labelled left = arrange(a, batch + rows + depth);
  Labelled right = arrange(b, batch + depth + columns);
  auto sizesOf = [](const Labelled &operand, size_t first, size_t count) {
    return TensorSizes(ArrayRef(operand.tensor.sizes).slice(first, count));
  };
  auto productOf = [&](ArrayRef<OpFoldResult> sizes) {
    OpFoldResult product = tensors.constantSize(1);
    for (OpFoldResult size : sizes)
      product = tensors.multiply(product, size);
    return product;
  };
  TensorSizes leftRows = sizesOf(left, batch.size(), rows.size());
  TensorSizes rightColumns =
      sizesOf(right, batch.size() + depth.size(), columns.size());
  TensorSizes leftBatch = sizesOf(left, 0, batch.size());
  TensorSizes rightBatch = sizesOf(right, 0, batch.size());
  std::optional<TensorSizes> sizes = tensors.broadcast({leftBatch, rightBatch});
  TensorSizes leftDepth =
      sizesOf(left, batch.size() + rows.size(), depth.size());
  TensorSizes rightDepth = sizesOf(right, batch.size(), depth.size());
  for (auto [x, y] : llvm::zip(leftDepth, rightDepth)) {
    std::optional<int64_t> first = getConstantIntValue(x);
    std::optional<int64_t> second = getConstantIntValue(y);
    if (first && second && *first != *second)
      sizes = std::nullopt;
  }
  if (!sizes)
    return call.fail("expected equal sizes of dimensions with one letter");
  leftBatch.append({productOf(leftRows), productOf(leftDepth)});
  rightBatch.append({productOf(rightDepth), productOf(rightColumns)});
  FailureOr<OnnxValue> product =
      call.matmul(tensors.reshape(left.tensor, leftBatch),
                  tensors.reshape(right.tensor, rightBatch));
  if (failed(product))
    return failure();
  llvm::append_range(*sizes, leftRows);
  llvm::append_range(*sizes, rightColumns);
  return Labelled{tensors.reshape(call.asTensor(*product), *sizes),
                  batch + rows + columns};
}

FailureOr<OnnxValues> EinsumImporter::run() {
  if (failed(readOperands()))
    return failure();
  // What operand `index` and those before it have to keep.
  auto getUsed = [&](size_t index) {
    std::string used = result;
    for (const Labelled &operand : ArrayRef(operands).drop_front(index + 1))
      used += operand.labels;
    return used;
  };
  Labelled total = operands.front();
  sumUnused(total, getUsed(0));
  for (size_t index = 1; index < operands.size(); ++index) {
    Labelled next = operands[index];
    sumUnused(next, getUsed(index) + total.labels);
    sumUnused(total, getUsed(index) + next.labels);
    FailureOr<Labelled> product = multiply(total, next, getUsed(index));
    if (failed(product))
      return failure();
    total = *product;
  }
  return OnnxValues{arrange(total, result).tensor};
}

FailureOr<OnnxValues> attn::importEinsum(OnnxCall &call) {
  return EinsumImporter(call).run();
}
