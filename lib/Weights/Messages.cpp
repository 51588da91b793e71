// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/Messages.h"

#include "llvm/ADT/StringRef.h"
#include <algorithm>

using namespace llvm;

std::string attn::reasonOf(std::error_code code) {
  return StringRef(code.message()).lower();
}

std::string attn::onOneLine(std::string message) {
  std::replace_if(
      message.begin(), message.end(),
      [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return message;
}
