// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recognises activation functions, element by element.

#ifndef ATTN_LIB_TRANSFORMS_ACTIVATIONS_H
#define ATTN_LIB_TRANSFORMS_ACTIVATIONS_H

#include "Elements.h"
#include "attn/IR/AttnOps.h"

namespace attn {

/// The function and the argument that `element` is computed by and from.
std::optional<std::pair<Activation, Element>>
matchActivation(Elements &elements, const Element &element);

} // namespace attn

#endif // ATTN_LIB_TRANSFORMS_ACTIVATIONS_H
