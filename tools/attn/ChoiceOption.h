// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_CHOICEOPTION_H
#define ATTN_TOOLS_ATTN_CHOICEOPTION_H

#include "llvm/Support/CommandLine.h"

namespace attn {

/// Parses the name of one of `cl::values`. Anything else is an error that names
/// the option, what it takes and what was given.
template <typename T> class ChoiceParser : public llvm::cl::parser<T> {
public:
  using llvm::cl::parser<T>::parser;

  bool parse(llvm::cl::Option &option, llvm::StringRef name,
             llvm::StringRef text, T &result) {
    std::string names;
    for (const auto &choice : this->Values) {
      if (choice.Name == text) {
        result = choice.V.getValue();
        return false;
      }
      if (!names.empty())
        names += &choice == &this->Values.back() ? " or " : ", ";
      names += choice.Name;
    }
    return option.error("expected " + names + ", got '" + text + "'");
  }
};

/// An option that takes one of several names.
template <typename T>
using ChoiceOption =
    llvm::cl::opt<T, /*ExternalStorage=*/false, ChoiceParser<T>>;

} // namespace attn

#endif // ATTN_TOOLS_ATTN_CHOICEOPTION_H
