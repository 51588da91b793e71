// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn-opt %s --attn-outline-loops=at-least=2 | FileCheck %s
// RUN: attn-opt %s --attn-outline-loops | FileCheck %s --check-prefix=FEW

#row = affine_map<(i) -> (i)>

// What a loop uses becomes arguments, and constants are copied.
// CHECK:      func.func private @f_loop(%[[X:.*]]: memref<?xf32>, %[[BY:.*]]: f32) attributes {passthrough = ["noinline"]} {
// CHECK-DAG:    %[[ONE:.*]] = arith.constant 1.0
// CHECK:        linalg.generic {{.*}} ins(%[[X]] : memref<?xf32>) outs(%[[X]] : memref<?xf32>)
// CHECK:          %[[PRODUCT:.*]] = arith.mulf %{{.*}}, %[[BY]]
// CHECK-NEXT:     arith.addf %[[PRODUCT]], %[[ONE]]
// CHECK:        return
// CHECK:      func.func private @f_loop_0(%{{.*}}: memref<?xf32>)
// CHECK:        linalg.fill

// Those in other operations are, too.
// CHECK:      func.func @f(%[[X:.*]]: memref<?xf32>, %[[BY:.*]]: f32, %[[IF:.*]]: i1) {
// CHECK:        call @f_loop(%[[X]], %[[BY]]) : (memref<?xf32>, f32) -> ()
// CHECK-NEXT:   scf.if %[[IF]] {
// CHECK-NEXT:     call @f_loop_0(%[[X]]) : (memref<?xf32>) -> ()
// CHECK-NEXT:   }
// CHECK-NEXT:   return

// FEW-NOT: @f_loop
func.func @f(%x: memref<?xf32>, %by: f32, %if: i1) {
  %one = arith.constant 1.0 : f32
  linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel"]}
      ins(%x : memref<?xf32>) outs(%x : memref<?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %product = arith.mulf %in, %by : f32
    %sum = arith.addf %product, %one : f32
    linalg.yield %sum : f32
  }
  scf.if %if {
    linalg.fill ins(%one : f32) outs(%x : memref<?xf32>)
  }
  return
}

// A function with fewer stays as it is.
// CHECK:      func.func @one(
// CHECK-NOT:    call
// CHECK:        linalg.fill
func.func @one(%x: memref<?xf32>, %value: f32) {
  linalg.fill ins(%value : f32) outs(%x : memref<?xf32>)
  return
}
