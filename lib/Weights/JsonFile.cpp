// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/JsonFile.h"
#include "attn/Weights/ReadFile.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;

/// llvm::json::parse calls itself for every nested value and has no limit, so
/// that a file of opening brackets would overflow the stack.
static constexpr unsigned maxDepth = 64;

static bool nestsTooDeeply(StringRef text) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > maxDepth)
        return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Expected<json::Object> attn::parseJsonObject(StringRef text, StringRef origin) {
  if (nestsTooDeeply(text))
    return createStringError(origin +
                             ": expected JSON nested at most 64 levels deep, "
                             "got more");
  Expected<json::Value> value = json::parse(text);
  if (!value)
    return createStringError(origin + ": expected JSON, got an error at " +
                             toString(value.takeError()));
  json::Object *object = value->getAsObject();
  if (!object)
    return createStringError(origin + ": expected a JSON object, got " +
                             describeJson(*value));
  return std::move(*object);
}

Expected<json::Object> attn::readJsonObject(StringRef path,
                                            vfs::FileSystem &files) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer =
      readRegularFile(path, "file", files);
  if (!buffer)
    return buffer.takeError();
  return parseJsonObject((*buffer)->getBuffer(), path);
}

std::string attn::describeJson(const json::Value &value) {
  std::string text;
  raw_string_ostream(text) << value;
  constexpr size_t maxLength = 60;
  if (text.size() > maxLength) {
    // Cut before a character, not within one: the bytes 10xxxxxx continue it.
    size_t end = maxLength;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    text.resize(end);
    text += "...";
  }
  return text;
}
