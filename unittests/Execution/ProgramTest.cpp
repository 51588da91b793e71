// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/Program.h"
#include "attn/Execution/Compiler.h"
#include "attn/IR/AttnDialect.h"

#include "../TestFiles.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Target/TargetMachine.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/OpenMP/OpenMPDialect.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <thread>

using namespace attn;
using namespace attn::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

constexpr llvm::StringLiteral manifest = R"json(
{"version": 1,
"weights": [{"name": "w", "sources": ["a"],
             "type": "f32", "shape": [4]}],
"functions": [
  {"name": "add",
   "arguments": [{"type": "f32", "shape": [-1]}],
   "results": [{"type": "f32", "shape": [-1]}]},
  {"name": "swap",
   "arguments": [{"type": "f32", "shape": [-1]},
                 {"type": "i32", "shape": [-1]}],
   "results": [{"type": "i32", "shape": [-1]},
               {"type": "f32", "shape": [-1]}]},
  {"name": "transpose",
   "arguments": [{"type": "f32", "shape": [2, 3]}],
   "results": [{"type": "f32", "shape": [3, 2]}]},
  {"name": "weight", "arguments": [],
   "results": [{"type": "f32", "shape": [4]}]},
  {"name": "twins", "arguments": [],
   "results": [{"type": "f32", "shape": [-1]},
               {"type": "f32", "shape": []},
               {"type": "f32", "shape": []}]},
  {"name": "bump",
   "arguments": [{"type": "i32", "shape": [-1],
                  "role": "cache"}],
   "results": []},
  {"name": "team",
   "arguments": [{"type": "i32", "shape": []}],
   "results": []}]}
)json";

constexpr llvm::StringLiteral oneFunction =
    R"({"version": 1, "weights": [], "functions": [
    {"name": "f", "arguments": [], "results": []}]})";

// What the lowering leaves: C entry points that take descriptors, a table
// of weights, and the manifest, which is put in front.
constexpr llvm::StringLiteral source = R"mlir(
!d0 = !llvm.struct<(ptr, ptr, i64)>
!d1 = !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
!d2 = !llvm.struct<(ptr, ptr, i64, array<2 x i64>, array<2 x i64>)>
  llvm.mlir.global external @attn_weights() : !llvm.array<1 x ptr> {
    %0 = llvm.mlir.zero : !llvm.array<1 x ptr>
    llvm.return %0 : !llvm.array<1 x ptr>
  }
  llvm.func @malloc(i64) -> !llvm.ptr
  llvm.func @expf(f32) -> f32
  llvm.func @omp_get_num_threads() -> i32

  llvm.func @unused() { llvm.return }

  // y[i] = exp(x[i]) + w[i], in new memory.
  llvm.func @_mlir_ciface_add(%result: !llvm.ptr, %argument: !llvm.ptr) {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %x = llvm.load %argument : !llvm.ptr -> !d1
    %n = llvm.extractvalue %x[3, 0] : !d1
    %from = llvm.extractvalue %x[1] : !d1
    %bytes = llvm.mul %n, %four : i64
    %to = llvm.call @malloc(%bytes) : (i64) -> !llvm.ptr
    %table = llvm.mlir.addressof @attn_weights : !llvm.ptr
    %w = llvm.load %table : !llvm.ptr -> !llvm.ptr
    llvm.br ^head(%zero : i64)
  ^head(%i: i64):
    %more = llvm.icmp "slt" %i, %n : i64
    llvm.cond_br %more, ^body, ^end
  ^body:
    %fromAt = llvm.getelementptr %from[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %wAt = llvm.getelementptr %w[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %toAt = llvm.getelementptr %to[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %a = llvm.load %fromAt : !llvm.ptr -> f32
    %b = llvm.load %wAt : !llvm.ptr -> f32
    %exp = llvm.call @expf(%a) : (f32) -> f32
    %sum = llvm.fadd %exp, %b : f32
    llvm.store %sum, %toAt : f32, !llvm.ptr
    %next = llvm.add %i, %one : i64
    llvm.br ^head(%next : i64)
  ^end:
    %y0 = llvm.insertvalue %to, %x[0] : !d1
    %y1 = llvm.insertvalue %to, %y0[1] : !d1
    llvm.store %y1, %result : !d1, !llvm.ptr
    llvm.return
  }

  // Both arguments, the other way round.
  llvm.func @_mlir_ciface_swap(%result: !llvm.ptr, %a: !llvm.ptr, %b: !llvm.ptr) {
    %first = llvm.load %a : !llvm.ptr -> !d1
    %second = llvm.load %b : !llvm.ptr -> !d1
    llvm.store %second, %result : !d1, !llvm.ptr
    %place = llvm.getelementptr %result[1] : (!llvm.ptr) -> !llvm.ptr, !d1
    llvm.store %first, %place : !d1, !llvm.ptr
    llvm.return
  }

  // The argument, with its strides exchanged.
  llvm.func @_mlir_ciface_transpose(%result: !llvm.ptr, %argument: !llvm.ptr) {
    %one = llvm.mlir.constant(1 : i64) : i64
    %two = llvm.mlir.constant(2 : i64) : i64
    %three = llvm.mlir.constant(3 : i64) : i64
    %x = llvm.load %argument : !llvm.ptr -> !d2
    %0 = llvm.insertvalue %three, %x[3, 0] : !d2
    %1 = llvm.insertvalue %two, %0[3, 1] : !d2
    %2 = llvm.insertvalue %one, %1[4, 0] : !d2
    %3 = llvm.insertvalue %three, %2[4, 1] : !d2
    llvm.store %3, %result : !d2, !llvm.ptr
    llvm.return
  }

  // A weight as it is.
  llvm.func @_mlir_ciface_weight(%result: !llvm.ptr) {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %four = llvm.mlir.constant(4 : i64) : i64
    %table = llvm.mlir.addressof @attn_weights : !llvm.ptr
    %w = llvm.load %table : !llvm.ptr -> !llvm.ptr
    %0 = llvm.mlir.undef : !d1
    %1 = llvm.insertvalue %w, %0[0] : !d1
    %2 = llvm.insertvalue %w, %1[1] : !d1
    %3 = llvm.insertvalue %zero, %2[2] : !d1
    %4 = llvm.insertvalue %four, %3[3, 0] : !d1
    %5 = llvm.insertvalue %one, %4[4, 0] : !d1
    llvm.store %5, %result : !d1, !llvm.ptr
    llvm.return
  }

  // Three results in one allocation, of which the first repeats one number.
  llvm.func @_mlir_ciface_twins(%result: !llvm.ptr) {
    %zero = llvm.mlir.constant(0 : i64) : i64
    %one = llvm.mlir.constant(1 : i64) : i64
    %two = llvm.mlir.constant(2 : i64) : i64
    %eight = llvm.mlir.constant(8 : i64) : i64
    %x = llvm.mlir.constant(1.5 : f32) : f32
    %y = llvm.mlir.constant(2.5 : f32) : f32
    %to = llvm.call @malloc(%eight) : (i64) -> !llvm.ptr
    %second = llvm.getelementptr %to[1] : (!llvm.ptr) -> !llvm.ptr, f32
    llvm.store %x, %to : f32, !llvm.ptr
    llvm.store %y, %second : f32, !llvm.ptr
    %0 = llvm.mlir.undef : !d0
    %1 = llvm.insertvalue %to, %0[0] : !d0
    %2 = llvm.insertvalue %to, %1[1] : !d0
    %3 = llvm.insertvalue %zero, %2[2] : !d0
    llvm.store %3, %result : !d0, !llvm.ptr
    %sizes = llvm.getelementptr %result[1] : (!llvm.ptr) -> !llvm.ptr, !d0
    llvm.store %two, %sizes : i64, !llvm.ptr
    %strides = llvm.getelementptr %sizes[1] : (!llvm.ptr) -> !llvm.ptr, i64
    llvm.store %zero, %strides : i64, !llvm.ptr
    %next = llvm.getelementptr %result[1] : (!llvm.ptr) -> !llvm.ptr, !d1
    llvm.store %3, %next : !d0, !llvm.ptr
    %4 = llvm.insertvalue %one, %3[2] : !d0
    %last = llvm.getelementptr %next[1] : (!llvm.ptr) -> !llvm.ptr, !d0
    llvm.store %4, %last : !d0, !llvm.ptr
    llvm.return
  }

  // The first element of the argument grows by one.
  llvm.func @_mlir_ciface_bump(%argument: !llvm.ptr) {
    %one = llvm.mlir.constant(1 : i32) : i32
    %x = llvm.load %argument : !llvm.ptr -> !d1
    %data = llvm.extractvalue %x[1] : !d1
    %0 = llvm.load %data : !llvm.ptr -> i32
    %1 = llvm.add %0, %one : i32
    llvm.store %1, %data : i32, !llvm.ptr
    llvm.return
  }

  // Writes how many threads there are.
  llvm.func @_mlir_ciface_team(%argument: !llvm.ptr) {
    %x = llvm.load %argument : !llvm.ptr -> !d0
    %data = llvm.extractvalue %x[1] : !d0
    omp.parallel {
      %n = llvm.call @omp_get_num_threads() : () -> i32
      llvm.store %n, %data : i32, !llvm.ptr
      omp.terminator
    }
    llvm.return
  }
)mlir";

/// A module that holds `manifest` and `code`.
std::string withManifest(llvm::StringRef manifest, llvm::StringRef code) {
  std::string text = "llvm.mlir.global external constant @attn_manifest(\"";
  llvm::raw_string_ostream out(text);
  llvm::printEscapedString(manifest, out);
  out << "\\00\")\n" << code;
  return text;
}

template <typename T>
Tensor tensorOf(ElementType type, llvm::ArrayRef<int64_t> shape,
                std::initializer_list<T> values) {
  Tensor tensor = Tensor::allocate(type, shape);
  llvm::copy(values, tensor.data<T>());
  return tensor;
}

Tensor floats(std::initializer_list<float> values) {
  return tensorOf<float>(ElementType::F32, {int64_t(values.size())}, values);
}

template <typename T = float> std::vector<T> valuesOf(const Tensor &tensor) {
  return {tensor.data<T>(), tensor.data<T>() + tensor.numElements()};
}

class ProgramTest : public testing::Test {
protected:
  ProgramTest() {
    context.loadDialect<AttnDialect, mlir::LLVM::LLVMDialect,
                        mlir::omp::OpenMPDialect>();
    // The four numbers 10, 20, 30, 40.
    const float values[] = {10, 20, 30, 40};
    std::string header =
        R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})";
    options.weightsFile = directory.write(
        "model.safetensors",
        std::string(1, char(header.size())) + std::string(7, '\0') + header +
            std::string(reinterpret_cast<const char *>(values), 16));
    options.cacheDir = directory.path("cache");
    options.threads = 2;
    options.warn = [this](llvm::StringRef text) {
      warnings.push_back(text.str());
    };
    module = parse(withManifest(manifest, source));
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    auto result = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(result);
    return result;
  }

  std::unique_ptr<Program> load() {
    auto program = Program::load(*module, options);
    EXPECT_EQ(program ? "" : llvm::toString(program.takeError()), "");
    return program ? std::move(*program) : nullptr;
  }

  llvm::SmallVector<Tensor> call(const Program &program, llvm::StringRef name,
                                 llvm::ArrayRef<Tensor> arguments) {
    auto results = program.call(name, arguments);
    EXPECT_EQ(results ? "" : llvm::toString(results.takeError()), "");
    return results ? std::move(*results) : llvm::SmallVector<Tensor>();
  }

  TemporaryDirectory directory;
  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  CompileOptions options;
  std::vector<std::string> warnings;
};

TEST_F(ProgramTest, CallsFunctionsWithTheirWeights) {
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  EXPECT_EQ(program->functions().size(), 7u);
  EXPECT_THAT(valuesOf(call(*program, "add", {floats({0, 0, 0})})[0]),
              ElementsAre(11, 21, 31));
  EXPECT_EQ(call(*program, "add", {floats({})})[0].numElements(), 0);
  EXPECT_GT(program->statistics().compileSeconds, 0);
  EXPECT_GT(program->statistics().weightBytes, 0u);
}

TEST_F(ProgramTest, PreparesOnlyWhatTheCacheDoesNotHave) {
  int runs = 0;
  auto count = [&](mlir::ModuleOp) {
    ++runs;
    return llvm::Error::success();
  };
  auto isFromCache = [&](llvm::StringRef name) {
    auto code = CompiledCode::get(*module, options, {name, count});
    EXPECT_EQ(code ? "" : llvm::toString(code.takeError()), "");
    return code && code->fromCache;
  };
  EXPECT_FALSE(isFromCache("one"));
  EXPECT_EQ(runs, 1);
  EXPECT_TRUE(isFromCache("one"));
  EXPECT_EQ(runs, 1);
  // Another preparation makes other code.
  EXPECT_FALSE(isFromCache("another"));
  EXPECT_EQ(runs, 2);
  options.useCache = false;
  EXPECT_FALSE(isFromCache("one"));
  EXPECT_EQ(runs, 3);

  auto failed = CompiledCode::get(
      *module, options, {"fails", [](mlir::ModuleOp) {
                           return llvm::createStringError("cannot prepare");
                         }});
  EXPECT_EQ(llvm::toString(failed.takeError()), "cannot prepare");
}

TEST_F(ProgramTest, ResultsMayBeArguments) {
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  Tensor a = floats({1, 2, 3});
  int32_t numbers[] = {4, 5};
  Tensor b = Tensor::borrow(ElementType::I32, {2}, numbers);
  llvm::SmallVector<Tensor> results = call(*program, "swap", {a, b});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].rawData(), numbers);
  const void *data = a.rawData();
  EXPECT_EQ(results[1].rawData(), data);
  // The result keeps the memory alive.
  a = Tensor();
  EXPECT_THAT(valuesOf(results[1]), ElementsAre(1, 2, 3));
}

TEST_F(ProgramTest, StridedResultsBecomeDense) {
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  Tensor x = tensorOf<float>(ElementType::F32, {2, 3}, {1, 2, 3, 4, 5, 6});
  Tensor y = call(*program, "transpose", {x})[0];
  EXPECT_EQ(y.describe(), "f32 [3,2]");
  EXPECT_THAT(valuesOf(y), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST_F(ProgramTest, WeightsAreNotGivenAway) {
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  Tensor first = call(*program, "weight", {})[0];
  first.data<float>()[0] = 0;
  Tensor second = call(*program, "weight", {})[0];
  program.reset();
  EXPECT_THAT(valuesOf(second), ElementsAre(10, 20, 30, 40));
}

TEST_F(ProgramTest, ResultsMayShareAnAllocation) {
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  llvm::SmallVector<Tensor> results = call(*program, "twins", {});
  ASSERT_EQ(results.size(), 3u);
  Tensor repeated = results[0], last = results[2];
  results.clear();
  EXPECT_THAT(valuesOf(repeated), ElementsAre(1.5f, 1.5f));
  EXPECT_EQ(last.data<float>()[0], 2.5f);
}

TEST_F(ProgramTest, UpdatesArgumentsInPlaceFromManyThreads) {
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  auto work = [&](const Tensor &tensor) {
    for (int i = 0; i < 1000; ++i)
      EXPECT_TRUE(call(*program, "bump", {tensor}).empty());
  };
  Tensor a = tensorOf<int32_t>(ElementType::I32, {1}, {5});
  Tensor b = tensorOf<int32_t>(ElementType::I32, {1}, {7});
  std::thread other(work, a);
  work(b);
  other.join();
  EXPECT_EQ(a.data<int32_t>()[0], 1005);
  EXPECT_EQ(b.data<int32_t>()[0], 1007);
}

TEST_F(ProgramTest, RunsOnTheNumberOfThreadsAskedFor) {
  for (int threads : {1, 3}) {
    options.threads = threads;
    std::unique_ptr<Program> program = load();
    ASSERT_TRUE(program);
    Tensor count = tensorOf<int32_t>(ElementType::I32, {}, {0});
    call(*program, "team", {count});
    EXPECT_EQ(count.data<int32_t>()[0], threads);
  }
}

TEST_F(ProgramTest, ChecksArguments) {
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  EXPECT_EQ(messageOf(program->call("add", {})),
            "'add': expected 1 arguments, got 0");
  EXPECT_EQ(messageOf(program->call(
                "add", {Tensor::allocate(ElementType::F32, {3, 4})})),
            "argument 0 of 'add': expected tensor<?xf32>, got f32 [3,4]");
  EXPECT_EQ(messageOf(program->call("add",
                                    {Tensor::allocate(ElementType::I32, {3})})),
            "argument 0 of 'add': expected tensor<?xf32>, got i32 [3]");
  EXPECT_EQ(messageOf(program->call(
                "transpose", {Tensor::allocate(ElementType::F32, {3, 2})})),
            "argument 0 of 'transpose': expected tensor<2x3xf32>, got f32 "
            "[3,2]");
  EXPECT_THAT(
      messageOf(program->call("none", {})),
      StartsWith("there is no function 'none'; hint: there is 'add', "));
}

TEST_F(ProgramTest, SecondLoadCompilesNothing) {
  EXPECT_FALSE(load()->statistics().fromCache);
  // Where the weights are does not matter to the code.
  (*module)->setAttr("attn.weights_file",
                     mlir::StringAttr::get(&context, "/elsewhere"));
  std::unique_ptr<Program> second = load();
  EXPECT_TRUE(second->statistics().fromCache);
  EXPECT_THAT(valuesOf(call(*second, "add", {floats({0})})[0]),
              ElementsAre(11));
  options.useCache = false;
  EXPECT_FALSE(load()->statistics().fromCache);
  options.useCache = true;
  options.cpu = "x86-64";
  EXPECT_FALSE(load()->statistics().fromCache);
  EXPECT_TRUE(warnings.empty());
}

TEST_F(ProgramTest, DamagedCacheFilesAreReplaced) {
  load();
  std::error_code code;
  llvm::sys::fs::directory_iterator entry(options.cacheDir, code), end;
  for (; !code && entry != end; entry.increment(code)) {
    std::error_code error;
    llvm::raw_fd_ostream(entry->path(), error) << "foreign";
    ASSERT_FALSE(error);
  }
  EXPECT_FALSE(load()->statistics().fromCache);
  EXPECT_TRUE(load()->statistics().fromCache);
}

TEST_F(ProgramTest, AFolderThatCannotBeWrittenIsAWarning) {
  options.cacheDir = directory.write("file", "") + "/cache";
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  EXPECT_FALSE(program->statistics().fromCache);
  EXPECT_THAT(warnings, ElementsAre("cannot write to the cache folder " +
                                    options.cacheDir + ": not a directory"));
}

TEST_F(ProgramTest, WeightsComeFromTheModulesFile) {
  (*module)->setAttr("attn.weights_file",
                     mlir::StringAttr::get(&context, options.weightsFile));
  options.weightsFile.clear();
  std::unique_ptr<Program> program = load();
  ASSERT_TRUE(program);
  EXPECT_TRUE((*module)->hasAttr("attn.weights_file"));
  EXPECT_THAT(valuesOf(call(*program, "weight", {})[0]),
              ElementsAre(10, 20, 30, 40));
  (*module)->removeAttr("attn.weights_file");
  EXPECT_THAT(messageOf(Program::load(*module, options)),
              StartsWith("the functions need weights but no file is given"));
}

TEST_F(ProgramTest, RefusesForeignProcessors) {
  options.cpu = "nonsense";
  EXPECT_THAT(messageOf(Program::load(*module, options)),
              StartsWith("unknown target CPU 'nonsense'"));
  // No Intel processor, and no AMD processor since, has these extensions.
  options.cpu = "bdver4";
  EXPECT_THAT(
      messageOf(Program::load(*module, options)),
      StartsWith("this machine cannot run code for 'bdver4': it lacks "));
}

TEST_F(ProgramTest, RefusesModulesWithoutEntries) {
  module = parse("module { llvm.func @f() { llvm.return } }");
  EXPECT_EQ(messageOf(Program::load(*module, options)),
            "the lowered module has no attn_manifest");
  auto withFunction = [&](llvm::StringRef function) {
    module = parse(withManifest(oneFunction, function));
    return messageOf(Program::load(*module, options));
  };
  EXPECT_EQ(withFunction(""), "function 'f' has no C entry point");
  EXPECT_EQ(withFunction("llvm.func @_mlir_ciface_f(%x: f32) { llvm.return }"),
            "function 'f' takes or gives something that is no ranked tensor");
  EXPECT_EQ(withFunction("llvm.func @_mlir_ciface_f() { llvm.return }"),
            "success");
}

TEST_F(ProgramTest, SymbolsThatAreNowhereAreAnError) {
  module = parse(withManifest(oneFunction, R"(
         llvm.func @no_such_function()
         llvm.func @_mlir_ciface_f() {
           llvm.call @no_such_function() : () -> ()
           llvm.return
         })"));
  EXPECT_EQ(
      messageOf(Program::load(*module, options)),
      "cannot link compiled code: Symbols not found: [ no_such_function ]");
}

TEST_F(ProgramTest, CompilesOnlyWhatCanBeCalled) {
  llvm::Expected<CpuTarget> target = resolveTarget("skylake-avx512");
  ASSERT_TRUE(bool(target));
  auto machine = createTargetMachine(*target);
  ASSERT_TRUE(bool(machine));
  llvm::LLVMContext llvmContext;
  auto translated = translateToLLVM(*module, llvmContext, **machine);
  ASSERT_EQ(translated ? "" : llvm::toString(translated.takeError()), "");
  EXPECT_EQ((*translated)->getFunction("unused"), nullptr);
  EXPECT_EQ((*translated)->getFunction("_mlir_ciface_add"), nullptr);
  const llvm::Function *add = (*translated)->getFunction("attn_call_add");
  ASSERT_NE(add, nullptr);
  EXPECT_EQ(add->getFnAttribute("prefer-vector-width").getValueAsString(),
            "512");
  auto assembly = emitAssembly(**translated, **machine);
  ASSERT_EQ(assembly ? "" : llvm::toString(assembly.takeError()), "");
  EXPECT_THAT(*assembly, HasSubstr("attn_call_swap:"));
  EXPECT_THAT(*assembly, Not(HasSubstr(".eh_frame")));
}

} // namespace
