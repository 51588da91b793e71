// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What messages have in common.

#ifndef ATTN_WEIGHTS_MESSAGES_H
#define ATTN_WEIGHTS_MESSAGES_H

#include <string>
#include <system_error>

namespace attn {

/// Why the system refused something: what `code` says, in lower case.
std::string reasonOf(std::error_code code);

/// `message` on one line. Names in files may hold line breaks, and what a
/// terminal takes for orders.
std::string onOneLine(std::string message);

} // namespace attn

#endif // ATTN_WEIGHTS_MESSAGES_H
