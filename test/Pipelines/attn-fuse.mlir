// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// RUN: attn import %models/tatoeba-en-fr -o - | attn-opt --attn-fuse | FileCheck %s
// RUN: attn import %models/tatoeba-en-fr -o - | attn-opt --attn-decompose-layers | FileCheck %s --check-prefix=UNFUSED

// Before fusion each attention layer has a softmax over a matrix of scores,
// after it none has: 6 + 2 * 3 attentions, and no tensor of 4 dimensions.

// UNFUSED-COUNT-12: attn.softmax {{.*}} -> tensor<?x4x?x?xf32>
// UNFUSED-NOT:      attn.softmax

// CHECK-NOT:      softmax
// CHECK-NOT:      attn.scores
// CHECK-NOT:      tensor<?x4x?x?xf32>
// CHECK-LABEL:    func.func @encode
// CHECK-COUNT-6:  attn.sdpa
// CHECK-NOT:      softmax
// CHECK-NOT:      attn.scores
// CHECK-NOT:      tensor<?x4x?x?xf32>
// CHECK-LABEL:    func.func @decode
// CHECK-COUNT-6:  attn.sdpa
// CHECK-NOT:      softmax
// CHECK-NOT:      attn.scores
// CHECK-NOT:      attn.sdpa
// CHECK-NOT:      tensor<?x4x?x?xf32>
