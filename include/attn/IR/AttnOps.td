// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All operations of the `attn` dialect, by level.

#ifndef ATTN_IR_ATTNOPS_TD
#define ATTN_IR_ATTNOPS_TD

include "attn/IR/AttnDialect.td"
include "attn/IR/AttnWeightOps.td"
include "attn/IR/AttnLayerOps.td"
include "attn/IR/AttnCoreOps.td"
include "attn/IR/AttnAttentionOps.td"

#endif // ATTN_IR_ATTNOPS_TD
