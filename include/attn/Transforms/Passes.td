// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes from attn to attn.

#ifndef ATTN_TRANSFORMS_PASSES_TD
#define ATTN_TRANSFORMS_PASSES_TD

include "attn/Transforms/RaisingPasses.td"
include "attn/Transforms/FusionPasses.td"
include "attn/Transforms/DecodingPasses.td"
include "attn/Transforms/StoragePasses.td"

#endif // ATTN_TRANSFORMS_PASSES_TD
