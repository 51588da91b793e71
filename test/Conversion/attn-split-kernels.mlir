// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-split-kernels | FileCheck %s

// All but kernels is in the first module; the largest kernel is in the second.
// Modules are for the same target.

// CHECK:      module attributes {attn.target = #attn.target<cpu = "haswell"{{.*}}>} {
// CHECK-NEXT:   module @functions attributes {attn.target = #attn.target<cpu = "haswell"
module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2">} {

// CHECK-NEXT: llvm.mlir.global external @attn_weights() {{.*}} {
llvm.mlir.global external @attn_weights() : !llvm.array<1 x ptr> {
  %0 = llvm.mlir.zero : !llvm.array<1 x ptr>
  llvm.return %0 : !llvm.array<1 x ptr>
}

llvm.mlir.global private constant @text("text")

// CHECK:      func.func @f(
// CHECK-NEXT:   call @small(%{{.*}}) : (memref<?xf32>) -> ()
// CHECK-NEXT:   call @helper() : () -> ()
func.func @f(%x: memref<?xf32>) {
  call @small(%x) : (memref<?xf32>) -> ()
  call @helper() : () -> ()
  return
}

// A private function without a region is no kernel, and a public one neither.
// CHECK: func.func private @helper() {
func.func private @helper() {
  return
}
// CHECK:      func.func @public() {
// CHECK-NEXT:   omp.parallel
func.func @public() {
  omp.parallel {
    omp.terminator
  }
  return
}

// CHECK: func.func private @small(memref<?xf32>) attributes {passthrough = ["noinline"]}
// CHECK: func.func private @library()
func.func private @small(%x: memref<?xf32>) attributes {passthrough = ["noinline"]} {
  %c0 = arith.constant 0 : index
  omp.parallel {
    %table = llvm.mlir.addressof @attn_weights : !llvm.ptr
    %value = llvm.load %table : !llvm.ptr -> f32
    memref.store %value, %x[%c0] : memref<?xf32>
    omp.terminator
  }
  call @library() : () -> ()
  return
}
func.func private @library()

// Of a kernel with several regions each becomes a function. What it uses is
// passed, but for constants.
// CHECK:        func.func private @regions_region(i1, memref<?xf32>, index)
// CHECK-NEXT:   func.func private @regions_region_0(index, memref<?xf32>)
// CHECK:        func.func private @regions(%[[X:.*]]: memref<?xf32>) {
// CHECK:          %[[SIZE:.*]] = memref.dim %[[X]]
// CHECK:          %[[IS_LARGE:.*]] = arith.cmpi
// CHECK:          call @regions_region(%[[IS_LARGE]], %[[X]], %[[SIZE]])
// CHECK-NEXT:     call @regions_region_0(%[[SIZE]], %[[X]])
// CHECK-NOT:      omp
func.func private @regions(%x: memref<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  %size = memref.dim %x, %c0 : memref<?xf32>
  %isLarge = arith.cmpi sgt, %size, %c1 : index
  omp.parallel if(%isLarge) {
    scf.for %i = %c0 to %size step %c1 {
      memref.store %one, %x[%i] : memref<?xf32>
    }
    omp.terminator
  }
  omp.parallel {
    %last = arith.subi %size, %c1 : index
    memref.store %two, %x[%last] : memref<?xf32>
    omp.terminator
  }
  return
}

// What no other module sees keeps its users: a constant, a private function.
// CHECK:      func.func private @reader() {
// CHECK-NEXT:   omp.parallel
func.func private @reader() {
  omp.parallel {
    %table = memref.get_global @numbers : memref<2xf32>
    omp.terminator
  }
  return
}
// CHECK:      func.func private @caller() {
// CHECK-NEXT:   omp.parallel
func.func private @caller() {
  omp.parallel {
    func.call @helper() : () -> ()
    omp.terminator
  }
  return
}
memref.global "private" constant @numbers : memref<2xf32> = dense<[1.0, 2.0]>

// CHECK:      module @regions_region attributes {attn.target = {{.*}}} {
// CHECK-NEXT:   func.func @regions_region(%[[IS_LARGE:.*]]: i1, %[[X:.*]]: memref<?xf32>, %[[SIZE:.*]]: index) {
// CHECK-DAG:      %[[ZERO:.*]] = arith.constant 0 : index
// CHECK-DAG:      %[[ONE:.*]] = arith.constant 1 : index
// CHECK-DAG:      %[[VALUE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK:          omp.parallel if(%[[IS_LARGE]]) {
// CHECK-NEXT:       scf.for %[[I:.*]] = %[[ZERO]] to %[[SIZE]] step %[[ONE]] {
// CHECK-NEXT:         memref.store %[[VALUE]], %[[X]][%[[I]]]
// CHECK:          return

// CHECK:      module @small attributes
// CHECK-NEXT:   func.func private @library()
// CHECK-NEXT:   llvm.mlir.global external @attn_weights() {{.*}} : !llvm.array<1 x ptr>{{$}}
// CHECK-NEXT:   func.func @small(%{{.*}}: memref<?xf32>) attributes {passthrough = ["noinline"]} {

// CHECK:      module @regions_region_0 attributes
// CHECK-NEXT:   func.func @regions_region_0(
// CHECK-NOT:  module
}
