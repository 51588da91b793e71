// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/Words.h"

#include "gmock/gmock.h"

using namespace attn;
using testing::ElementsAre;
using testing::IsEmpty;

static std::vector<std::string> describe(llvm::ArrayRef<std::string> pieces) {
  std::vector<std::string> words;
  for (const Word &word : wordsOf(pieces))
    words.push_back(word.text + " " + std::to_string(word.begin) + "-" +
                    std::to_string(word.end));
  return words;
}

namespace {

TEST(WordsTest, joinsPiecesBetweenSpaces) {
  EXPECT_THAT(describe({"▁He", "llo", ",", "▁cat", ""}),
              ElementsAre("Hello, 0-3", "cat 3-4"));
  EXPECT_THAT(describe({"He", "llo"}), ElementsAre("Hello 0-2"));
}

TEST(WordsTest, aSpaceByItselfBelongsToTheWordAfterIt) {
  EXPECT_THAT(describe({"▁a", "▁", "b"}), ElementsAre("a 0-1", "b 1-3"));
  EXPECT_THAT(describe({"▁a", "▁", "▁b"}), ElementsAre("a 0-1", "b 1-3"));
  EXPECT_THAT(describe({"▁a", "▁"}), ElementsAre("a 0-1"));
}

TEST(WordsTest, emptyPiecesAreInNoWord) {
  EXPECT_THAT(describe({}), IsEmpty());
  EXPECT_THAT(describe({"", "", "▁"}), IsEmpty());
  EXPECT_THAT(describe({"", "▁a", "", "▁b"}), ElementsAre("a 1-2", "b 3-4"));
}

} // namespace
