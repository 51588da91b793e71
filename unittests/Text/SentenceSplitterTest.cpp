// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/SentenceSplitter.h"

#include "gmock/gmock.h"

using namespace attn;
using testing::ElementsAre;
using testing::IsEmpty;

static std::vector<std::string> split(llvm::StringRef language,
                                      llvm::StringRef text) {
  auto splitter = SentenceSplitter::create(language);
  EXPECT_TRUE(bool(splitter)) << llvm::toString(splitter.takeError());
  auto sentences = (*splitter)->split(text);
  EXPECT_TRUE(bool(sentences)) << llvm::toString(sentences.takeError());
  return {sentences->begin(), sentences->end()};
}

namespace {

TEST(SentenceSplitterTest, splitsAfterTerminatorsAndKeepsTheRest) {
  EXPECT_THAT(
      split("en", "  Hello! How are you?  It costs 3.50, e.g. here. "),
      ElementsAre("Hello!", "How are you?", "It costs 3.50, e.g. here."));
  EXPECT_THAT(split("en", "no end"), ElementsAre("no end"));
}

TEST(SentenceSplitterTest, knowsAbbreviationsOfTheLanguage) {
  const char *text = "Mr. Smith went. He left.";
  EXPECT_THAT(split("en", text), ElementsAre("Mr. Smith went.", "He left."));
  EXPECT_THAT(split("eng", text), ElementsAre("Mr. Smith went.", "He left."));
  for (const char *unknown : {"", "ROMANCE", "no language; at all"})
    EXPECT_THAT(split(unknown, text),
                ElementsAre("Mr.", "Smith went.", "He left."));
}

TEST(SentenceSplitterTest, splitsWithoutSpaceWhereTheScriptHasNone) {
  EXPECT_THAT(split("ja", "日本語。そうです。"),
              ElementsAre("日本語。", "そうです。"));
}

TEST(SentenceSplitterTest, givesNothingForSpace) {
  EXPECT_THAT(split("en", ""), IsEmpty());
  EXPECT_THAT(split("en", llvm::StringRef()), IsEmpty());
  EXPECT_THAT(split("en", " \t \r"), IsEmpty());
}

TEST(SentenceSplitterTest, keepsBytesThatAreNotUtf8) {
  EXPECT_THAT(split("en", "Caf\xe9 noir. Yes. \xff"),
              ElementsAre("Caf\xe9 noir.", "Yes.", "\xff"));
}

TEST(SentenceSplitterTest, splitsTextAfterText) {
  auto splitter = SentenceSplitter::create("en");
  ASSERT_TRUE(bool(splitter));
  for (int i = 0; i < 3; ++i) {
    std::string text = "One. Two. Three " + std::to_string(i) + ".";
    auto sentences = (*splitter)->split(text);
    ASSERT_TRUE(bool(sentences));
    EXPECT_EQ(sentences->size(), 3u);
    EXPECT_EQ(sentences->back(), "Three " + std::to_string(i) + ".");
  }
}

} // namespace
