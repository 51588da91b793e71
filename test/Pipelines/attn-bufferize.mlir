// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn import %models/tatoeba-en-fr -o - | attn-opt --attn-derive-decoding --attn-bufferize | FileCheck %s

// The layers of each function are one function; nothing is copied.

// CHECK-NOT:   memref.copy
// CHECK-LABEL: func.func private @encode_layer
// CHECK-NOT:   memref.alloc
// CHECK-NOT:   memref.copy
// CHECK-LABEL: func.func @encode(
// CHECK-NOT:   memref.copy
// CHECK-NOT:   attn.sdpa
// CHECK-COUNT-6: call @encode_layer
// CHECK-LABEL: func.func private @decode_step_layer
// CHECK-NOT:   memref.alloc
// CHECK-NOT:   memref.copy
// CHECK-LABEL: func.func @decode_step(
// CHECK-NOT:   memref.copy
// CHECK-NOT:   attn.sdpa
// CHECK-COUNT-3: call @decode_step_layer
// CHECK-NOT:   attn.sdpa
// CHECK-NOT:   memref.copy
