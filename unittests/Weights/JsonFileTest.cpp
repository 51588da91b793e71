// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Weights/JsonFile.h"

#include "../TestFiles.h"

using namespace attn;
using namespace attn::test;

namespace {

TEST(JsonFileTest, readsAnObject) {
  llvm::Expected<llvm::json::Object> object =
      parseJsonObject(R"({"a": [1, {"b": "[[[{{{\"["}]})", "origin");
  ASSERT_TRUE(bool(object)) << llvm::toString(object.takeError());
  EXPECT_EQ(object->size(), 1u);
}

TEST(JsonFileTest, rejectsWhatIsNoObject) {
  EXPECT_EQ(messageOf(parseJsonObject("[1]", "origin")),
            "origin: expected a JSON object, got [1]");
  EXPECT_EQ(messageOf(parseJsonObject("", "origin")),
            "origin: expected JSON, got an error at [1:0, byte=0]: Unexpected "
            "EOF");
  EXPECT_EQ(messageOf(parseJsonObject("{\n\"a\" 1}", "origin")),
            "origin: expected JSON, got an error at [2:5, byte=7]: Expected : "
            "after object key");
  EXPECT_EQ(messageOf(parseJsonObject("{\"\xff\": 1}", "origin")),
            "origin: expected JSON, got an error at [1:2, byte=2]: Invalid "
            "UTF-8 sequence");
}

TEST(JsonFileTest, rejectsDeepNesting) {
  // Deep enough to overflow the stack of a parser that calls itself.
  EXPECT_EQ(messageOf(parseJsonObject(std::string(10'000'000, '['), "origin")),
            "origin: expected JSON nested at most 64 levels deep, got more");
}

TEST(JsonFileTest, acceptsBracketsInAString) {
  const std::string text = "\\\"" + std::string(100, '[');
  EXPECT_EQ(messageOf(parseJsonObject("{\"a\": \"" + text + "\"}", "origin")),
            "success");
}

TEST(JsonFileTest, rejectsWhatCannotBeRead) {
  TemporaryDirectory directory;
  std::string path = directory.path("absent.json");
  EXPECT_EQ(messageOf(readJsonObject(path)),
            path + ": cannot read the file: no such file or directory");
  EXPECT_EQ(messageOf(readJsonObject(directory.path())),
            directory.path() + ": cannot read the file: is a directory");
}

TEST(JsonFileTest, describesLongValuesInOneShortLine) {
  EXPECT_EQ(describeJson("a\nb"), R"("a\nb")");
  // 59 bytes fit before the cut, which would fall into the last character.
  EXPECT_EQ(describeJson(std::string(58, 'x') + "\xc3\xa9tail"),
            "\"" + std::string(58, 'x') + "...");
}

} // namespace
