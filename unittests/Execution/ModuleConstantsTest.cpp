// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/ModuleConstants.h"
#include "attn/Execution/AheadOfTime.h"
#include "attn/Execution/Program.h"
#include "attn/Pipelines/Pipelines.h"

#include "../TestFiles.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>

using namespace attn;
using namespace attn::test;
using testing::Each;
using testing::SizeIs;

namespace {

/// y[0, :] = Σ x · WEIGHT, where x is 1 to 8.
constexpr llvm::StringLiteral source = R"mlir(
func.func @f(%x: tensor<1x8xf32>, %o: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %w = arith.constant WEIGHT : tensor<8x8xf32>
  %y = attn.linear %x, %w outs(%o) : (tensor<1x8xf32>, tensor<8x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  return %y : tensor<1x8xf32>
}
)mlir";

class ModuleConstantsTest : public testing::Test {
protected:
  ModuleConstantsTest() {
    mlir::DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
    options.cacheDir = directory.path("cache");
    options.threads = 1;
  }

  /// `source` with a value for the weight, and what comes after the function.
  mlir::OwningOpRef<mlir::ModuleOp> parse(std::string weight,
                                          std::string end = "") {
    std::string text = source.str() + end;
    text.replace(text.find("WEIGHT : "), 6, weight);
    auto result = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(result);
    return result;
  }

  TemporaryDirectory directory;
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  CompileOptions options;
};

TEST_F(ModuleConstantsTest, AreInMemoryOfTheirOwn) {
  std::unique_ptr<ModuleConstants> constants;
  {
    auto module = parse("dense<3.0>");
    constants = llvm::cantFail(ModuleConstants::take(*module));
    EXPECT_FALSE((*module)->hasAttr("attn.constants"));
  }
  ASSERT_TRUE(constants->contains("constants.0"));
  Weight weight = llvm::cantFail(constants->find("constants.0"));
  EXPECT_EQ(weight.type, WeightType::F32);
  EXPECT_EQ(weight.shape, llvm::ArrayRef<int64_t>({8, 8}));
  ASSERT_THAT(weight.bytes, SizeIs(256));
  EXPECT_THAT(
      llvm::ArrayRef(reinterpret_cast<const float *>(weight.bytes.data()), 64),
      Each(3.0f));
  EXPECT_FALSE(constants->contains("constants.1"));
  EXPECT_EQ(messageOf(constants->find("constants.1")),
            "attn.constants: expected a tensor 'constants.1'");
}

TEST_F(ModuleConstantsTest, AreNoPartOfTheCode) {
  std::vector<float> numbers = {1, 2, 3, 4, 5, 6, 7, 8}, out(8);
  Tensor x = Tensor::borrow(ElementType::F32, {1, 8}, numbers.data());
  Tensor o = Tensor::borrow(ElementType::F32, {1, 8}, out.data());
  bool isFirst = true;
  for (auto [value, expected] :
       {std::pair("dense<1.0>", 36.0f), std::pair("dense<-2.0>", -72.0f)}) {
    auto program = Program::load(*parse(value), options);
    ASSERT_TRUE(static_cast<bool>(program))
        << llvm::toString(program.takeError());
    EXPECT_EQ((*program)->statistics().fromCache, !isFirst);
    auto results = (*program)->call("f", {x, o});
    ASSERT_TRUE(static_cast<bool>(results))
        << llvm::toString(results.takeError());
    EXPECT_THAT(llvm::ArrayRef((*results)[0].data<float>(), 8), Each(expected));
    isFirst = false;
  }
}

TEST_F(ModuleConstantsTest, GoIntoObjectsAheadOfTime) {
  CpuTarget target = llvm::cantFail(resolveTarget("native"));
  auto code = compileAheadOfTime(*parse("dense<1.0>"), target, "");
  EXPECT_EQ(messageOf(std::move(code)), "success");
}

TEST_F(ModuleConstantsTest, ThatWereLeftOutAreAnError) {
  auto module = parse("dense_resource<w>");
  EXPECT_EQ(messageOf(ModuleConstants::take(*module)),
            "constant 'constants.0': expected 256 bytes, got 0; hint: IR that "
            "was printed with its resources left out cannot run");
  module = parse("dense_resource<v>", R"mlir(
{-# dialect_resources: { builtin: { v: "0x040000000000803f" } } #-})mlir");
  EXPECT_EQ(messageOf(ModuleConstants::take(*module)),
            "constant 'constants.0': expected 256 bytes, got 4; hint: IR that "
            "was printed with its resources left out cannot run");
}

} // namespace
