// RUN: attn-opt %s --attn-parallelize-loops --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

#all = affine_map<(a, b, c) -> (a, b, c)>
#row = affine_map<(a, b, c) -> (b, c)>
#each = affine_map<(a, b, c) -> (a, b)>
#id = affine_map<(a) -> (a)>

module attributes {attn.target = #attn.target<cpu = "haswell", features = "+avx2,+fma">} {
  // Both outer loops are one: of the first, which is short, a thread has all rounds
  // or none, or the first or last with a part of the second.
  // CHECK-LABEL: func.func @two_loops(
  // CHECK-SAME:    %[[X:[^:]*]]: memref<?x?x384xf32>, %[[W:[^:]*]]: memref<?x384xf32>, %[[Y:[^:]*]]: memref<?x?x384xf32>)
  // CHECK-DAG:     %[[A:.*]] = memref.dim %[[X]], %c0
  // CHECK-DAG:     %[[B:.*]] = memref.dim %[[X]], %c1
  // CHECK:         %[[IF:.*]] = arith.cmpi sgt, %{{.*}}, %c100000 : index
  // CHECK:         omp.parallel if(%[[IF]]) {
  // CHECK:           %[[ALL:.*]] = arith.muli %[[A]], %[[B]] : index
  // CHECK:           call @omp_get_thread_num()
  // CHECK:           call @omp_get_num_threads()
  // CHECK:           scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %c1 {
  // CHECK:             %[[FIRST:.*]] = arith.maxsi
  // CHECK:             %[[LAST:.*]] = arith.minsi
  // CHECK:             %[[ROWS:.*]] = arith.subi %[[LAST]], %[[FIRST]]
  // CHECK:             memref.subview %[[X]][%[[I]], %[[FIRST]], 0] [1, %[[ROWS]], 384] [1, 1, 1]
  // CHECK:             memref.subview %[[W]][%[[FIRST]], 0] [%{{.*}}, 384] [1, 1]
  // CHECK:             memref.subview %[[Y]][%[[I]], %[[FIRST]], 0]
  // CHECK:             linalg.generic
  // CHECK:           omp.terminator
  func.func @two_loops(%x: memref<?x?x384xf32>, %w: memref<?x384xf32>, %y: memref<?x?x384xf32>) {
    linalg.generic {indexing_maps = [#all, #row, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x, %w : memref<?x?x384xf32>, memref<?x384xf32>) outs(%y : memref<?x?x384xf32>) {
    ^bb0(%a: f32, %b: f32, %out: f32):
      %c = arith.mulf %a, %b : f32
      linalg.yield %c : f32
    }
    return
  }

  // What is summed is in one part.
  // CHECK-LABEL: func.func @reduction(
  // CHECK:         omp.parallel
  // CHECK:           memref.subview %{{.*}} [1, %{{.*}}, 384] [1, 1, 1]
  // CHECK:           memref.subview %{{.*}} [1, %{{.*}}] [1, 1]
  // CHECK:           linalg.generic
  func.func @reduction(%x: memref<?x?x384xf32>, %y: memref<?x?xf32>) {
    linalg.generic {indexing_maps = [#all, #each], iterator_types = ["parallel", "parallel", "reduction"]} ins(%x : memref<?x?x384xf32>) outs(%y : memref<?x?xf32>) {
    ^bb0(%a: f32, %out: f32):
      %c = arith.addf %a, %out : f32
      linalg.yield %c : f32
    }
    return
  }

  // Indices are those of the whole.
  // CHECK-LABEL: func.func @indices(
  // CHECK:         omp.parallel
  // CHECK:           %[[PART:.*]] = memref.subview %{{.*}}[%[[BEGIN:.*]]] [%{{.*}}] [1]
  // CHECK:           linalg.generic {{.*}} outs(%[[PART]] :
  // CHECK:             %[[I:.*]] = linalg.index 0
  // CHECK:             %[[WHOLE:.*]] = arith.addi %[[I]], %[[BEGIN]]
  // CHECK:             linalg.yield %[[WHOLE]]
  func.func @indices(%y: memref<100000xindex>) {
    linalg.generic {indexing_maps = [#id], iterator_types = ["parallel"]} outs(%y : memref<100000xindex>) {
    ^bb0(%out: index):
      %i = linalg.index 0 : index
      linalg.yield %i : index
    }
    return
  }

  // Too little work, no parallel loop, one that is a dimension with another, and one
  // whose rounds write the same.
  // CHECK-LABEL: func.func @others(
  // CHECK-NOT:     omp
  // CHECK:         return
  func.func @others(%small: memref<64x64xf32>, %x: memref<100000xf32>, %s: memref<f32>, %w: memref<8xf32>, %y: memref<99993xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%small : memref<64x64xf32>)
    linalg.generic {indexing_maps = [#id, affine_map<(a) -> ()>], iterator_types = ["reduction"]} ins(%x : memref<100000xf32>) outs(%s : memref<f32>) {
    ^bb0(%a: f32, %out: f32):
      %c = arith.addf %a, %out : f32
      linalg.yield %c : f32
    }
    linalg.generic {indexing_maps = [#id, affine_map<(a) -> (0)>], iterator_types = ["parallel"]} ins(%x : memref<100000xf32>) outs(%w : memref<8xf32>) {
    ^bb0(%a: f32, %out: f32):
      linalg.yield %a : f32
    }
    linalg.conv_1d ins(%x, %w : memref<100000xf32>, memref<8xf32>) outs(%y : memref<99993xf32>)
    return
  }
}

// -----

// expected-error@+1 {{expected the module attribute 'attn.target' to generate code for}}
module {
  func.func @f(%x: memref<?xf32>) {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%x : memref<?xf32>)
    return
  }
}
