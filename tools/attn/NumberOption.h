// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_ATTN_NUMBEROPTION_H
#define ATTN_TOOLS_ATTN_NUMBEROPTION_H

#include "llvm/Support/CommandLine.h"
#include <cstdint>
#include <limits>

namespace attn {

/// The value of an option that takes an integer in Min..Max:
/// `cl::opt<IntegerIn<1>>`. Anything else is an error that names the option,
/// the range and what was given. 0 where the option is not given.
template <int64_t Min, int64_t Max = std::numeric_limits<int32_t>::max()>
struct IntegerIn {
  int64_t value = 0;
};

/// The number of a layer, from 0 on, or from -1, the last one, backwards.
using LayerNumber = IntegerIn<std::numeric_limits<int32_t>::min()>;

/// The value of an option that takes a number; its limits are up to others. 0
/// where the option is not given.
struct Number {
  double value = 0;
};

} // namespace attn

template <int64_t Min, int64_t Max>
class llvm::cl::parser<attn::IntegerIn<Min, Max>>
    : public llvm::cl::basic_parser<attn::IntegerIn<Min, Max>> {
public:
  using llvm::cl::basic_parser<attn::IntegerIn<Min, Max>>::basic_parser;

  bool parse(Option &option, StringRef name, StringRef text,
             attn::IntegerIn<Min, Max> &result) {
    if (!text.getAsInteger(10, result.value) && result.value >= Min &&
        result.value <= Max)
      return false;
    return option.error("expected an integer in " + Twine(Min) + ".." +
                        Twine(Max) + ", got '" + text + "'");
  }

  StringRef getValueName() const override { return "N"; }

  void printOptionDiff(const Option &option,
                       const attn::IntegerIn<Min, Max> &value,
                       const OptionValue<attn::IntegerIn<Min, Max>> &,
                       size_t globalWidth) const {
    this->printOptionName(option, globalWidth);
    outs() << "= " << value.value << '\n';
  }
};

template <>
class llvm::cl::parser<attn::Number>
    : public llvm::cl::basic_parser<attn::Number> {
public:
  using llvm::cl::basic_parser<attn::Number>::basic_parser;

  bool parse(Option &option, StringRef name, StringRef text,
             attn::Number &result) {
    if (!text.getAsDouble(result.value))
      return false;
    return option.error("expected a number, got '" + text + "'");
  }

  StringRef getValueName() const override { return "F"; }

  void printOptionDiff(const Option &option, const attn::Number &number,
                       const OptionValue<attn::Number> &,
                       size_t globalWidth) const {
    this->printOptionName(option, globalWidth);
    outs() << "= " << number.value << '\n';
  }
};

#endif // ATTN_TOOLS_ATTN_NUMBEROPTION_H
