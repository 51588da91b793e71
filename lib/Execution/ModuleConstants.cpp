// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/ModuleConstants.h"
#include "attn/Execution/DiagnosticError.h"
#include "attn/IR/AttnDialect.h"
#include "attn/Pipelines/Pipelines.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/PassManager.h"

using namespace attn;

/// The elements, dense and row-major; none if they are not there.
static llvm::ArrayRef<char> bytesOf(mlir::ElementsAttr elements) {
  if (auto dense = llvm::dyn_cast<mlir::DenseElementsAttr>(elements))
    return dense.getRawData();
  auto resource = llvm::cast<mlir::DenseResourceElementsAttr>(elements);
  mlir::AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  return blob ? blob->getData() : llvm::ArrayRef<char>();
}

static WeightType typeOf(mlir::Type type) {
  if (type.isF32())
    return WeightType::F32;
  return type.isF16() ? WeightType::F16 : WeightType::BF16;
}

llvm::Expected<std::unique_ptr<ModuleConstants>>
ModuleConstants::take(mlir::ModuleOp module) {
  mlir::MLIRContext *context = module.getContext();
  context->loadDialect<AttnDialect>();
  DiagnosticError errors(context);
  mlir::PassManager passes(context);
  buildWeightsPipeline(passes);
  if (mlir::failed(passes.run(module)))
    return errors.take("the constants cannot be read");

  auto constants = std::make_unique<ModuleConstants>();
  auto values = llvm::dyn_cast_if_present<mlir::DictionaryAttr>(
      module->removeAttr(AttnDialect::kConstantsAttr));
  if (!values)
    return std::move(constants);
  for (mlir::NamedAttribute entry : values) {
    auto elements = llvm::cast<mlir::ElementsAttr>(entry.getValue());
    mlir::ShapedType type = elements.getShapedType();
    Tensor tensor = {typeOf(type.getElementType()), type.getShape().vec(), {}};
    size_t width = sizeInBytes(tensor.type);
    llvm::ArrayRef<char> bytes = bytesOf(elements);
    // One number may stand for all.
    if (elements.isSplat() && bytes.size() == width)
      for (int64_t i = 0; i < type.getNumElements(); ++i)
        llvm::append_range(tensor.bytes, bytes);
    else
      tensor.bytes.assign(bytes.begin(), bytes.end());
    if (tensor.bytes.size() != type.getNumElements() * width)
      return llvm::createStringError(
          "constant '" + entry.getName().getValue() + "': expected " +
          llvm::Twine(type.getNumElements() * width) + " bytes, got " +
          llvm::Twine(tensor.bytes.size()) +
          "; hint: IR that was printed with its resources left out cannot run");
    constants->tensors.try_emplace(entry.getName().getValue(),
                                   std::move(tensor));
  }
  return std::move(constants);
}

llvm::Expected<Weight> ModuleConstants::find(llvm::StringRef name) const {
  auto found = tensors.find(name);
  if (found == tensors.end())
    return llvm::createStringError("attn.constants: expected a tensor '" +
                                   name + "'");
  const Tensor &tensor = found->second;
  return Weight{tensor.type, tensor.shape, tensor.bytes};
}
