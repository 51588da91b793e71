// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that leave the attn dialect.

#ifndef ATTN_CONVERSION_PASSES_TD
#define ATTN_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def CallLibm : Pass<"attn-call-libm", "::mlir::ModuleOp"> {
  let summary = "calls the C library for mathematics that LLVM has no intrinsic of";
  let description = [{
    `--convert-to-llvm` leaves operations of `math` such as `erf` and `cbrt`,
    for which LLVM has no intrinsic. They become calls of libm
    (`--convert-math-to-libm`), `clampf` and `ipowi`, which that has no function
    of either, other operations (`--math-expand-ops`, `--convert-math-to-funcs`),
    and what they leave goes to LLVM as well. Few modules have such operations;
    the others are only walked, as these passes take as long as for a module that
    has.

    ```mlir
    %y = math.erf %x : f32
    ```

    becomes

    ```mlir
    llvm.func @erff(f32) -> f32
    …
    %y = llvm.call @erff(%x) : (f32) -> f32
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::vector::VectorDialect"];
}

def DecomposeAggregates
    : Pass<"attn-decompose-aggregates", "::mlir::func::FuncOp"> {
  let summary = "rewrites linalg operations that stand for several simpler ones";
  let description = [{
    `linalg.softmax` and others of its kind have no lowering of their own: each
    becomes the reductions and elementwise operations that define it.

    ```mlir
    %y = linalg.softmax dimension(1) ins(%x : tensor<4x8xf32>) outs(%o : tensor<4x8xf32>) -> tensor<4x8xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect"];
}

def EmitManifest : Pass<"attn-emit-manifest", "::mlir::ModuleOp"> {
  let summary = "writes down what the compiled module offers and needs";
  let description = [{
    Adds a constant `attn_manifest`, a JSON text that ends in NUL, with the
    weights in the order of the table `attn_weights` (names in the file, shape,
    element type, panels) and the public functions (types, shapes and roles of
    arguments, results, and which dynamic sizes of arguments have to be equal,
    by their names in `attn.sizes`, by assertions, which go, and by the
    operations that use them, as the code does not check them): whoever loads
    the compiled object needs nothing else.
    Asks for a C entry of each public function, and that bufferization writes to
    none of its tensor arguments. Runs while functions still have tensors;
    functions with other arguments or results are an error.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::bufferization::BufferizationDialect"];
}

def ExpandBFloat16 : Pass<"attn-expand-bf16", "::mlir::ModuleOp"> {
  let summary = "rounds to bf16 by integer operations where there is no other way";
  let description = [{
    LLVM calls a library function for each number that is rounded to bf16,
    unless the processor has AVX512-BF16. Where the module's `attn.target` has
    not, `arith.truncf` of f32 to bf16 becomes a few integer operations on the
    bits: the same numbers, ties to even, NaN stays NaN. Widening shifts bits,
    and selecting among bf16 selects among their bits. `arith.truncf` of f64 to
    bf16, which no processor has, goes by f32 everywhere. Arithmetic on bf16 is
    expected to be in f32 already (`--arith-emulate-unsupported-floats`,
    `--math-extend-to-supported-types`) but for `math.fma`, which the latter
    leaves, and which becomes one of f32 here.

    ```mlir
    %y = arith.truncf %x : vector<8xf32> to vector<8xbf16>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def LowerCopies : Pass<"attn-lower-copies", "::mlir::func::FuncOp"> {
  let summary = "writes copies of what is not dense as linalg.generic";
  let description = [{
    LLVM's `memcpy` copies what is dense; for a `memref.copy` of anything else,
    such as a slice, upstream calls a function of its runtime library. Here it
    becomes a `linalg.generic`, so that compiled code needs no library. So does
    a `bufferization.clone`, of a part that a function returns. An argument with
    the role "cache" is returned as it is.

    ```mlir
    memref.copy %slice, %dense : memref<4x3xf32, strided<[6, 1]>> to memref<4x3xf32>
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect"];
}

def LowerCores : Pass<"attn-lower-cores", "::mlir::ModuleOp"> {
  let summary = "turns cores on memrefs into calls of generated kernels";
  let description = [{
    Replaces each core by a call of a private function, one for each distinct
    combination of operation, attributes and types, and writes its body with
    loops, vectors and OpenMP regions. Sizes of registers and tiles follow from
    the module's `attn.target`. A core that writes nothing goes.

    ```mlir
    attn.softmax %x outs(%y) : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    ```

    becomes

    ```mlir
    call @softmax(%x, %y) : (memref<?x8xf32>, memref<?x8xf32>) -> ()
    …
    func.func private @softmax(%x: memref<?x8xf32>, %y: memref<?x8xf32>) attributes {passthrough = ["noinline"]} {
      …
      omp.parallel if(%pays) { … }
      return
    }
    ```
  }];
  let dependentDialects = [
    "::mlir::amx::AMXDialect", "::mlir::arith::ArithDialect",
    "::mlir::math::MathDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect", "::mlir::omp::OpenMPDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def LowerReshapes : Pass<"attn-lower-reshapes", "::mlir::func::FuncOp"> {
  let summary = "writes reshapes with several unknown sizes by their strides";
  let description = [{
    A `memref.expand_shape` that splits one dimension into several of dynamic
    size becomes a `memref.reinterpret_cast`. Others stay: upstream's
    `expand-strided-metadata` lowers them, but of LLVM 22 it fails on these.

    ```mlir
    %y = memref.expand_shape %x [[0, 1], [2]] output_shape [%b, %h, 8] : memref<?x8xf32> into memref<?x?x8xf32>
    ```

    becomes

    ```mlir
    %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %x : …
    %stride = arith.muli %h, %c8 : index
    %y = memref.reinterpret_cast %base to offset: [0], sizes: [%b, %h, 8], strides: [%stride, 8, 1] : …
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect"];
}

def LowerWeights : Pass<"attn-lower-weights", "::mlir::ModuleOp"> {
  let summary = "reads weights through a table of pointers";
  let description = [{
    Replaces `attn.get_weight` by a memref over the pointer at the weight's
    place in the table `attn_weights`, which the loader fills, and removes the
    `attn.weights` groups.

    ```mlir
    attn.weights @output {
      attn.weight @weight from ["fc.weight"] : tensor<8x16xf32>
    }
    %w = attn.get_weight @output::@weight : memref<8x16xf32>
    ```

    becomes

    ```mlir
    llvm.mlir.global external @attn_weights() : !llvm.array<1 x ptr> { … }
    %table = llvm.mlir.addressof @attn_weights : !llvm.ptr
    %place = llvm.getelementptr %table[0, %index] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.array<1 x ptr>
    %data = llvm.load %place : !llvm.ptr -> !llvm.ptr
    …
    %w = builtin.unrealized_conversion_cast %descriptor : !llvm.struct<…> to memref<8x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def OutlineLoops : Pass<"attn-outline-loops", "::mlir::ModuleOp"> {
  let summary = "makes each loop of a function that has many a function";
  let description = [{
    Moves each operation of linalg on memrefs to a private function that is
    called in its place, in functions with at least so many of them. What it
    uses becomes arguments, and constants are copied.

    Some of what LLVM does for a function, such as to allocate registers, takes
    time that grows faster than the function. A model whose numbers are rounded
    at every edge has hundreds of loops that no kernel takes: of 590, code is
    made in half the time. Each call costs some nanoseconds, and LLVM does not
    see that arguments are different memory, so that functions of a few loops
    stay as they are.

    ```mlir
    func.func @f(%x: memref<4xf32>) {
      linalg.generic {…} ins(%x : memref<4xf32>) outs(%x : memref<4xf32>) {…}
      …
    }
    ```

    becomes

    ```mlir
    func.func private @f_loop(%x: memref<4xf32>) {
      linalg.generic {…} ins(%x : memref<4xf32>) outs(%x : memref<4xf32>) {…}
      return
    }
    func.func @f(%x: memref<4xf32>) {
      call @f_loop(%x) : (memref<4xf32>) -> ()
      …
    }
    ```
  }];
  let options = [Option<"atLeast", "at-least", "uint64_t", /*default=*/"64",
                        "How many loops a function has">];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

def ExpandMath : Pass<"attn-expand-math", "::mlir::ModuleOp"> {
  let summary = "computes elementary functions by arithmetic";
  let description = [{
    Writes `math.exp` and `math.tanh` of single numbers of f32 as the polynomials
    that kernels compute for vectors (within 2 and 3 ulp): so LLVM makes vectors of
    the loops around them, where calls of the C library would be one for each
    number. e^x is 0 below -86.9, where it is no normal number. What is left of
    `math` is for `attn-call-libm`. Without the module attribute `attn.target`,
    nothing changes.

    ```mlir
    %y = math.exp %x : f32
    ```

    becomes

    ```mlir
    %n = math.fma %x, %inverse_of_log_2, %rounder : f32
    …
    %y = arith.select %is_large, %infinity, %power : f32
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect"];
}

def ParallelizeLoops : Pass<"attn-parallelize-loops", "::mlir::ModuleOp"> {
  let summary = "shares the loops that no kernel takes among threads";
  let description = [{
    Each operation of linalg on memrefs runs in an OpenMP region, if there is work
    enough to wake threads: a thread has a part of its outermost parallel loop, or
    of the outermost two as one, as the first may be short (a batch of 1). That
    part is the same operation on subviews, so that each element is computed as it
    was, whatever the number of threads. Where sizes are known and the work is
    small, nothing changes; where they are not, the region asks.

    Limits: a loop that is a dimension of an operand together with another one, as
    in convolutions, is not shared, nor is a reduction. Needs the module attribute
    `attn.target`.

    ```mlir
    linalg.generic {…} ins(%x : memref<?x384xf32>) outs(%y : memref<?x384xf32>) {…}
    ```

    becomes

    ```mlir
    omp.parallel if(%is_worth_it) {
      … // %begin and %end of this thread
      %xs = memref.subview %x[%begin, 0] [%rows, 384] [1, 1] : …
      %ys = memref.subview %y[%begin, 0] [%rows, 384] [1, 1] : …
      linalg.generic {…} ins(%xs : …) outs(%ys : …) {…}
      omp.terminator
    }
    ```
  }];
  let dependentDialects = ["::attn::AttnDialect", "::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::omp::OpenMPDialect",
                           "::mlir::scf::SCFDialect"];
}

def SplitKernels : Pass<"attn-split-kernels", "::mlir::ModuleOp"> {
  let summary = "cuts a module into modules that are compiled by themselves";
  let description = [{
    Each kernel, which is a private function with a parallel region, moves to a
    nested module of its own; one with several regions is cut first, as each of
    them becomes a function. A first module, `functions`, has all else. What is
    defined in another module is declared, and the linker finds it by its name.
    The largest kernel comes first, so that threads which take modules as they
    come end at about the same time.

    Kernels are large and share nothing: no optimisation is lost, and LLVM has
    no other way to use several threads. Parts follow from the module alone, and
    not from the number of threads, so that the code does not depend on it.

    ```mlir
    module {
      func.func @f() {
        call @kernel() : () -> ()
        return
      }
      func.func private @kernel() {
        omp.parallel { … }
        return
      }
    }
    ```

    becomes

    ```mlir
    module {
      module @functions {
        func.func @f() {
          call @kernel() : () -> ()
          return
        }
        func.func private @kernel()
      }
      module @kernel {
        func.func @kernel() {
          omp.parallel { … }
          return
        }
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

#endif // ATTN_CONVERSION_PASSES_TD
