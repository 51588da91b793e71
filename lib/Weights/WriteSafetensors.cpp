// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/WriteSafetensors.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace attn;

/// The header, with spaces that align what follows it and its length.
static std::string makeHeader(ArrayRef<NamedWeight> tensors) {
  std::string header;
  raw_string_ostream os(header);
  json::OStream json(os);
  uint64_t begin = 0;
  json.object([&] {
    for (const NamedWeight &tensor : tensors)
      json.attributeObject(tensor.name, [&] {
        uint64_t end = begin + tensor.weight.bytes.size();
        json.attribute("dtype", nameOf(tensor.weight.type));
        json.attributeArray("shape", [&] {
          for (int64_t size : tensor.weight.shape)
            json.value(size);
        });
        json.attributeArray("data_offsets", [&] {
          json.value(begin);
          json.value(end);
        });
        begin = end;
      });
  });
  constexpr uint64_t lengthSize = 8, alignment = 64;
  header.append(offsetToAlignment(header.size() + lengthSize, Align(alignment)),
                ' ');
  return header;
}

Error attn::writeSafetensors(ArrayRef<NamedWeight> tensors,
                             function_ref<Error(StringRef)> write) {
  std::string header = makeHeader(tensors);
  char length[sizeof(uint64_t)];
  support::endian::write64le(length, header.size());
  if (Error error = write(StringRef(length, sizeof(length))))
    return error;
  if (Error error = write(header))
    return error;
  for (const NamedWeight &tensor : tensors)
    if (Error error = write(toStringRef(tensor.weight.bytes)))
      return error;
  return Error::success();
}
