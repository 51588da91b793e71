// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/UnknownWords.h"

#include "llvm/ADT/STLExtras.h"
#include "gmock/gmock.h"

using namespace attn;
using testing::ElementsAre;
using testing::IsEmpty;

/// The token at each of `unknown` is one that the vocabulary lacks.
static std::vector<Segment> segments(llvm::ArrayRef<std::string> tokens,
                                     llvm::ArrayRef<size_t> unknown = {}) {
  auto segments = segmentsOf(
      tokens, [&](size_t token) { return llvm::is_contained(unknown, token); });
  EXPECT_TRUE(bool(segments)) << llvm::toString(segments.takeError());
  return *segments;
}

/// "text begin-end", with "w" for a word, "_" for a space before it, and "?"
/// for an unknown one.
static std::vector<std::string> describe(llvm::ArrayRef<Segment> segments) {
  std::vector<std::string> texts;
  for (const Segment &segment : segments)
    texts.push_back(
        segment.text + " " + std::to_string(segment.begin) + "-" +
        std::to_string(segment.end) + " " + (segment.isWord ? "w" : "") +
        (segment.isAfterSpace ? "_" : "") + (segment.isUnknown ? "?" : ""));
  return texts;
}

namespace {

TEST(UnknownWordsTest, findsSegments) {
  EXPECT_THAT(describe(segments({"▁He", "llo", ",", "▁", "😀", "!", ""}, {4})),
              ElementsAre("Hello 0-2 w_", ", 2-3 ", "😀 4-5 _?", "! 5-6 "));
  // A word is one whatever it is cut into, and unknown if a part is.
  EXPECT_THAT(describe(segments({"l", "'", "é", "cole Łó", "dź"}, {3})),
              ElementsAre("l'école Łódź 0-5 w_?"));
  EXPECT_THAT(describe(segments({"in", " ", "Łó", "d", "ź."}, {2})),
              ElementsAre("in 0-1 w_", "Łódź. 2-5 w_?"));
  // Signs that are one token are one segment, a name without spaces too.
  EXPECT_THAT(describe(segments({"😀😀", " ", "王小明"}, {0, 2})),
              ElementsAre("😀😀 0-1 _?", "王小明 2-3 w_?"));
  // The text of an unknown token may be that of the next one.
  EXPECT_THAT(describe(segments({"1", " ", "", "℃"}, {2})),
              ElementsAre("1 0-1 w_", "℃ 2-4 _?"));
  // A known token without a text, such as a special one, is part of none.
  EXPECT_THAT(describe(segments({"1", " ", "", "℃"}, {3})),
              ElementsAre("1 0-1 w_", "℃ 3-4 _?"));
  EXPECT_THAT(describe(segments({})), IsEmpty());
  EXPECT_THAT(describe(segments({"", "▁", " "})), IsEmpty());
}

/// `unknownSources` and `unknownTargets` are numbers of tokens; `alignment` has
/// for each target segment the source segment that it attends to most, and how
/// much.
struct Case {
  std::vector<std::string> source;
  std::vector<size_t> unknownSources;
  std::vector<std::string> target;
  std::vector<size_t> unknownTargets;
  std::vector<std::pair<int, float>> alignment;
};

static std::vector<std::string> copy(const Case &c) {
  std::vector<Segment> sources = segments(c.source, c.unknownSources);
  std::vector<Segment> targets = segments(c.target, c.unknownTargets);
  EXPECT_EQ(targets.size(), c.alignment.size());
  std::vector<std::string> pieces = c.target;
  copyUnknown(
      sources, targets,
      [&](size_t target, size_t source) {
        auto [strongest, weight] = c.alignment[target];
        return static_cast<int>(source) == strongest ? weight : 0;
      },
      pieces);
  return pieces;
}

TEST(UnknownWordsTest, replacesUnknownTargets) {
  EXPECT_THAT(copy({{"My", " cat", " Mia"},
                    {},
                    {"▁\ufffc", "▁chat", "▁", "\ufffc", "\ufffc"},
                    {0, 3, 4},
                    {{0, 0.6f}, {1, 0.9f}, {2, 0.5f}, {2, 0.5f}}}),
              ElementsAre("▁My", "▁chat", "▁", "Mia", ""));
  // A word of which the vocabularies have a part.
  EXPECT_THAT(copy({{"In", " Łó", "dź", "."},
                    {1},
                    {"▁à", "▁", "\ufffc", "d", "ź", "."},
                    {2},
                    {{0, 0.8f}, {1, 0.6f}, {1, 0.4f}, {2, 0.5f}}}),
              ElementsAre("▁à", "▁", "Łódź", "", "", "."));
  // Another word that attends to the same stays.
  EXPECT_THAT(
      copy({{"Mia"}, {}, {"▁\ufffc", "▁chat"}, {0}, {{0, 0.6f}, {0, 0.9f}}}),
      ElementsAre("▁Mia", "▁chat"));
  // Nothing says what it stands for.
  EXPECT_THAT(copy({{"Hi"}, {}, {"▁\ufffc"}, {0}, {{-1, 0}}}),
              ElementsAre("▁\ufffc"));
}

TEST(UnknownWordsTest, replacesWordsThatWereMadeUp) {
  // The one with most weight, and those after it; not the one before it.
  EXPECT_THAT(
      copy({{"I", " am", " ", "Ψ", "."},
            {3},
            {"▁Je", "▁suis", "▁l", "'", "élo", "▁-", "gue", "."},
            {},
            {{0, .9f}, {2, .5f}, {2, .7f}, {4, .3f}, {2, .6f}, {2, .4f}}}),
      ElementsAre("▁Je", "▁suis", "▁Ψ", "", "", "", "", "."));
  // Of several with the same weight the first, up to a word of another.
  EXPECT_THAT(copy({{"Ψ", " am"},
                    {0},
                    {"▁une", "▁suis", "▁gue"},
                    {},
                    {{0, .5f}, {1, .9f}, {0, .5f}}}),
              ElementsAre("▁Ψ", "▁suis", "▁gue"));
}

TEST(UnknownWordsTest, putsWhatHasNoPlaceAfterWhatIsBeforeIt) {
  EXPECT_THAT(copy({{"I", " am", " happy", " ", "😀", "Ψ", "."},
                    {4, 5},
                    {"▁Je", "▁suis", "▁heureux", "."},
                    {},
                    {{0, .9f}, {1, .9f}, {2, .9f}, {2, .4f}}}),
              ElementsAre("▁Je", "▁suis", "▁heureux", ".▁😀Ψ"));
  EXPECT_THAT(copy({{"😀", " Hi", " ☕"}, {0, 2}, {"▁Salut"}, {}, {{1, .9f}}}),
              ElementsAre("▁😀▁Salut▁☕"));
  EXPECT_THAT(copy({{"😀", " Hi"}, {0}, {}, {}, {}}), ElementsAre("▁😀"));
  // Before everything: in order, and apart from a text that has no space.
  EXPECT_THAT(copy({{"😀", " ☕", " Hi"}, {0, 1}, {"Salut"}, {}, {{2, .9f}}}),
              ElementsAre("▁😀▁☕▁Salut"));
}

TEST(UnknownWordsTest, leavesTextWithoutAnyKnownWord) {
  EXPECT_THAT(copy({{"Ωμέγα", "!", " ", "😀"},
                    {0, 3},
                    {"▁L", "'", "élit", "."},
                    {},
                    {{0, .9f}, {1, .9f}}}),
              ElementsAre("▁Ωμέγα!▁😀"));
}

TEST(UnknownWordsTest, doesNothingWithoutAnythingUnknown) {
  EXPECT_THAT(copy({{"Hi", "."}, {}, {"▁Salut", "."}, {}, {{0, .9f}, {1, 1}}}),
              ElementsAre("▁Salut", "."));
}

} // namespace
