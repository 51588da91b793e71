// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/Tokenizer.h"

#include "../TestFiles.h"
#include "llvm/ADT/StringExtras.h"
#include "gmock/gmock.h"

using namespace attn;
using namespace attn::test;
using testing::ElementsAre;

static const char *const model = ATTN_MODELS_DIR "/tatoeba-en-fr";

static std::string modelFile(llvm::StringRef name) {
  return (model + llvm::Twine("/") + name).str();
}

/// The lines of the reference output with this ending.
static std::vector<std::string> referenceLines(llvm::StringRef ending) {
  return readLines((ATTN_TEST_DIR "/reference/test/test." + ending).str());
}

static std::unique_ptr<Tokenizer> load(llvm::StringRef directory) {
  auto tokenizer = Tokenizer::load(directory);
  EXPECT_TRUE(bool(tokenizer)) << llvm::toString(tokenizer.takeError());
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

/// The shipped tokenizer, loaded once.
static const Tokenizer &shipped() {
  static std::unique_ptr<Tokenizer> tokenizer = load(model);
  return *tokenizer;
}

static std::vector<int32_t> encode(const Tokenizer &tokenizer,
                                   llvm::StringRef text) {
  auto ids = tokenizer.encode(text);
  EXPECT_TRUE(bool(ids)) << llvm::toString(ids.takeError());
  return ids ? *ids : std::vector<int32_t>();
}

static std::string decode(const Tokenizer &tokenizer,
                          llvm::ArrayRef<int32_t> ids) {
  auto text = tokenizer.decode(ids);
  EXPECT_TRUE(bool(text)) << llvm::toString(text.takeError());
  return text ? *text : "";
}

static std::vector<int32_t> parseIds(llvm::StringRef line) {
  std::vector<int32_t> ids;
  for (llvm::StringRef word : llvm::split(line, ' ')) {
    int32_t id = -1;
    EXPECT_FALSE(word.getAsInteger(10, id)) << line.str();
    ids.push_back(id);
  }
  return ids;
}

namespace {

TEST(TokenizerTest, encodesLikeTheReference) {
  std::vector<std::string> sentences = referenceLines("tsv");
  std::vector<std::string> ids = referenceLines("src.ids");
  ASSERT_EQ(sentences.size(), 1774u);
  ASSERT_EQ(ids.size(), sentences.size());
  for (auto [line, expected] : llvm::zip_equal(sentences, ids)) {
    llvm::StringRef sentence = llvm::StringRef(line).split('\t').first;
    EXPECT_EQ(llvm::join(llvm::map_range(
                             encode(shipped(), sentence),
                             [](int32_t id) { return std::to_string(id); }),
                         " "),
              expected)
        << sentence.str();
  }
}

TEST(TokenizerTest, decodesLikeTheReference) {
  for (const char *search : {"greedy", "beam4"}) {
    std::vector<std::string> ids = referenceLines(std::string(search) + ".ids");
    std::vector<std::string> texts =
        referenceLines(std::string(search) + ".fr");
    ASSERT_EQ(ids.size(), 1774u);
    ASSERT_EQ(texts.size(), ids.size());
    for (auto [line, expected] : llvm::zip_equal(ids, texts))
      EXPECT_EQ(decode(shipped(), parseIds(line)), expected) << line;
  }
}

// What MarianTokenizer gives for the shipped files, where not said otherwise.
TEST(TokenizerTest, encodesEdgeCases) {
  const Tokenizer &t = shipped();
  EXPECT_THAT(encode(t, ""), ElementsAre(0));
  EXPECT_THAT(encode(t, "  "), ElementsAre(0));
  EXPECT_THAT(encode(t, " hello"), ElementsAre(6217, 0));
  EXPECT_THAT(encode(t, "a\tb\nc"), ElementsAre(9, 1441, 168, 0));
  EXPECT_THAT(encode(t, "a\u00a0b\u202f?"), ElementsAre(9, 1441, 18, 0));
  EXPECT_THAT(encode(t, "日本語 hello"), ElementsAre(6, 1, 6217, 0));
  // A zero byte is a character that no piece has.
  EXPECT_EQ(encode(t, llvm::StringRef("a\0b", 3)).back(), 0);
}

TEST(TokenizerTest, splitsOffTheLanguageCode) {
  const Tokenizer &t = shipped();
  // The shipped vocabulary has none, so it is the unknown token.
  EXPECT_THAT(encode(t, ">>fra<< Hello"), ElementsAre(1, 44, 97, 277, 0));
  EXPECT_THAT(encode(t, ">>fra<<Hello"), ElementsAre(1, 44, 97, 277, 0));
  EXPECT_THAT(encode(t, ">>fra<<"), ElementsAre(1, 0));
  EXPECT_THAT(encode(t, ">>fra"), ElementsAre(6, 1, 175, 477, 0));
  // Not at the front: text.
  EXPECT_THAT(encode(t, " >>fra<< Hello"),
              ElementsAre(6, 1, 175, 477, 1, 44, 97, 277, 0));

  TemporaryDirectory directory;
  for (const char *name : {"source.spm", "target.spm"})
    directory.copy(modelFile(name), name);
  directory.write("vocab.json", R"({"</s>": 0, "<unk>": 1, "<pad>": 2,
                                    ">>fra<<": 5, "▁hello": 7})");
  auto multilingual = load(directory.path());
  ASSERT_TRUE(multilingual);
  EXPECT_THAT(encode(*multilingual, ">>fra<< hello"), ElementsAre(5, 7, 0));
}

TEST(TokenizerTest, takesSpecialTokensFromTheText) {
  const Tokenizer &t = shipped();
  EXPECT_THAT(encode(t, "hello</s> world"), ElementsAre(6217, 0, 897, 0));
  EXPECT_THAT(encode(t, "hello </s>  world"), ElementsAre(6217, 0, 897, 0));
  EXPECT_THAT(encode(t, "<unk>"), ElementsAre(1, 0));
  EXPECT_THAT(encode(t, "x<pad>y"), ElementsAre(6, 1082, 8000, 157, 0));
  EXPECT_THAT(encode(t, "</s>>>fra<< hi"), ElementsAre(0, 1, 6, 2035, 0));
}

TEST(TokenizerTest, encodesTheTargetLanguage) {
  auto ids = shipped().encodeTarget("Le chat dort");
  ASSERT_TRUE(bool(ids)) << llvm::toString(ids.takeError());
  // As SentencePiece cuts it by target.spm, without an end token.
  EXPECT_THAT(*ids, ElementsAre(131, 1033, 2745));
  EXPECT_EQ(decode(shipped(), *ids), "Le chat dort");
  EXPECT_EQ(messageOf(shipped().encodeTarget("日本")),
            "expected text of the target vocabulary, got \"日本\", of which a "
            "piece is unknown");
}

TEST(TokenizerTest, decodesEdgeCases) {
  const Tokenizer &t = shipped();
  EXPECT_EQ(decode(t, {}), "");
  EXPECT_EQ(decode(t, {0}), "");
  EXPECT_EQ(decode(t, {6, 6}), "");
  EXPECT_EQ(decode(t, {6, 2}), ".");
  EXPECT_EQ(decode(t, {7999}), "€");
  EXPECT_EQ(decode(t, {5, 1, 6}), "I");
  EXPECT_EQ(decode(t, {34, 0, 28}), "Jai");
  EXPECT_EQ(decode(t, {8000, 34}), "J");
  EXPECT_EQ(messageOf(t.decode({5, 8001})),
            "expected an id of the target vocabulary of 8001 tokens, got 8001");
  EXPECT_EQ(messageOf(t.decode({-1})),
            "expected an id of the target vocabulary of 8001 tokens, got -1");
  // The numbers that a hash table could keep for itself.
  for (int32_t id : {INT32_MIN, INT32_MAX})
    EXPECT_EQ(messageOf(t.decode({id})),
              "expected an id of the target vocabulary of 8001 tokens, got " +
                  std::to_string(id));
}

TEST(TokenizerTest, stripsEverySpaceOfUnicode) {
  TemporaryDirectory directory;
  for (const char *name : {"source.spm", "target.spm"})
    directory.copy(modelFile(name), name);
  directory.write("vocab.json", "{\"</s>\": 0, \"<unk>\": 1, \"<pad>\": 2, "
                                "\"\u202f\": 3, \"\u3000x\": 4, "
                                "\"y\u2009\": 5, \"\u00e0\u200b\": 6}");
  auto tokenizer = load(directory.path());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(decode(*tokenizer, {3, 4, 3, 5, 3}), "x\u202fy");
  EXPECT_EQ(decode(*tokenizer, {3, 3}), "");
  // U+200B is no space in Python.
  EXPECT_EQ(decode(*tokenizer, {6, 3}), "\u00e0\u200b");

  // All that Python has, and what stands beside them.
  const llvm::StringRef spaces =
      "\\t\\n\\u000b\\f\\r\\u001c\\u001d\\u001e\\u001f "
      "\\u0085\\u00a0\\u1680"
      "\\u2000\\u2001\\u2002\\u2003\\u2004\\u2005\\u2006\\u2007\\u2008\\u2009"
      "\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
  directory.write("vocab.json",
                  ("{\"</s>\": 0, \"<unk>\": 1, \"<pad>\": 2, \"" + spaces +
                   "\": 3, \"\\u001b\": 4, \"\\u2060\": 2147483647}")
                      .str());
  tokenizer = load(directory.path());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(decode(*tokenizer, {3}), "");
  EXPECT_EQ(decode(*tokenizer, {3, 4, 3}), "\x1b");
  EXPECT_EQ(decode(*tokenizer, {3, INT32_MAX, 3}), "\u2060");
  // SentencePiece has 8000 pieces.
  EXPECT_EQ(messageOf(tokenizer->decode({8000})),
            "expected an id of the target vocabulary of 6 tokens, got 8000");
}

TEST(TokenizerTest, knowsLanguages) {
  EXPECT_EQ(shipped().sourceLanguage(), "eng");
  EXPECT_EQ(Tokenizer::languageCode(">>fra<< Hello."), ">>fra<<");
  for (llvm::StringRef text : {"", "Hello.", ">>fra", "Hello >>fra<<", "<<"})
    EXPECT_EQ(Tokenizer::languageCode(text), "");
}

TEST(TokenizerTest, namesTokens) {
  const Tokenizer &t = shipped();
  EXPECT_EQ(t.sourceToken(5), "▁I");
  EXPECT_EQ(t.targetToken(16), "▁the");
  EXPECT_EQ(t.sourceToken(-1), "");
  EXPECT_EQ(t.targetToken(8001), "");
  EXPECT_EQ(t.endId(), 0);
  EXPECT_EQ(t.unknownId(), 1);
}

TEST(TokenizerTest, saysWhatPiecesAreWritten) {
  const Tokenizer &t = shipped();
  EXPECT_THAT(t.sourcePieces({5, 1, 6, 8000, 0}),
              ElementsAre("▁I", "", "▁", "", ""));
  auto pieces = t.targetPieces({16, 1, 7999, 0});
  ASSERT_TRUE(bool(pieces)) << llvm::toString(pieces.takeError());
  EXPECT_THAT(*pieces, ElementsAre("▁the", "", "€", ""));
  // Others than those of the vocabulary, too.
  auto text = t.join({"▁the", "", "▁猫😀", "▁"});
  ASSERT_TRUE(bool(text)) << llvm::toString(text.takeError());
  EXPECT_EQ(*text, "the 猫😀");
}

TEST(TokenizerTest, saysWhatTokensStandForInAText) {
  auto textsOf = [](llvm::StringRef text) {
    auto texts = shipped().sourceTexts(text);
    EXPECT_TRUE(bool(texts)) << llvm::toString(texts.takeError());
    EXPECT_EQ(texts->size(), encode(shipped(), text).size());
    return *texts;
  };
  EXPECT_THAT(textsOf(""), ElementsAre(""));
  EXPECT_THAT(textsOf(">>fra<<Hello Ω!"),
              ElementsAre("", "He", "ll", "o", " ", "Ω", "!", ""));
  // What normalisation makes two pieces of is written at one of them.
  EXPECT_THAT(textsOf("1 ℃"), ElementsAre("1", " ", "", "℃", ""));
  EXPECT_EQ(messageOf(shipped().sourceTexts("\xff")),
            "expected text in UTF-8, got byte 0xff at offset 0");
}

TEST(TokenizerTest, rejectsTextThatIsNotUtf8) {
  const Tokenizer &t = shipped();
  EXPECT_EQ(messageOf(t.encode("abc\xff")),
            "expected text in UTF-8, got byte 0xff at offset 3");
  EXPECT_EQ(messageOf(t.encode("\xc3\xa9\xc3")),
            "expected text in UTF-8, got byte 0xc3 at offset 2");
  // A surrogate, and an overlong slash.
  EXPECT_EQ(messageOf(t.encode("\xed\xa0\x80")),
            "expected text in UTF-8, got byte 0xed at offset 0");
  EXPECT_EQ(messageOf(t.encode("a\xc0\xaf")),
            "expected text in UTF-8, got byte 0xc0 at offset 1");
}

/// A copy of the shipped tokenizer's files, to be broken.
class BrokenTokenizerTest : public testing::Test {
protected:
  BrokenTokenizerTest() {
    for (const char *name : {"source.spm", "target.spm", "vocab.json"})
      directory.copy(modelFile(name), name);
  }

  /// The error about the file `name`, without its path.
  std::string errorOf(llvm::StringRef name) {
    std::string message = messageOf(Tokenizer::load(directory.path()));
    std::string path = directory.path(name);
    EXPECT_THAT(message, testing::StartsWith(path + ": "));
    return message.substr(std::min(message.size(), path.size() + 2));
  }

  std::string vocabularyError(llvm::StringRef content) {
    directory.write("vocab.json", content);
    return errorOf("vocab.json");
  }

  TemporaryDirectory directory;
};

TEST_F(BrokenTokenizerTest, loadsUnbroken) { load(directory.path()); }

TEST_F(BrokenTokenizerTest, rejectsMissingFiles) {
  directory.remove("vocab.json");
  EXPECT_EQ(errorOf("vocab.json"),
            "cannot read the file: no such file or directory");
  directory.copy(modelFile("vocab.json"), "vocab.json");
  for (const char *name : {"target.spm", "source.spm"}) {
    directory.remove(name);
    EXPECT_EQ(errorOf(name), "cannot read the SentencePiece model: no such "
                             "file or directory");
  }
}

TEST_F(BrokenTokenizerTest, rejectsBrokenSentencePieceModels) {
  std::string whole = readFile(modelFile("source.spm"));
  for (llvm::StringRef content :
       {llvm::StringRef(), llvm::StringRef("garbage"),
        llvm::StringRef(whole).take_front(whole.size() / 2 + 1),
        llvm::StringRef(model)}) {
    directory.write("source.spm", content);
    EXPECT_EQ(errorOf("source.spm"), "expected a SentencePiece model, got " +
                                         std::to_string(content.size()) +
                                         " bytes that are none");
  }
}

TEST_F(BrokenTokenizerTest, rejectsBrokenVocabularies) {
  EXPECT_EQ(vocabularyError("[]"), "expected a JSON object, got []");
  EXPECT_EQ(vocabularyError(""),
            "expected JSON, got an error at [1:0, byte=0]: Unexpected EOF");
  EXPECT_EQ(vocabularyError(R"({"a": "b"})"),
            R"(token "a": expected an id in 0..2147483647, got "b")");
  EXPECT_EQ(vocabularyError(R"({"a\n": -1})"),
            R"(token "a\n": expected an id in 0..2147483647, got -1)");
  EXPECT_EQ(vocabularyError(R"({"a": 2147483648})"),
            R"(token "a": expected an id in 0..2147483647, got 2147483648)");
  EXPECT_THAT(
      vocabularyError(R"({"a": 1, "b": 1})"),
      testing::AnyOf(R"(expected one token for id 1, got "a" and "b")",
                     R"(expected one token for id 1, got "b" and "a")"));
}

TEST_F(BrokenTokenizerTest, rejectsVocabulariesWithoutSpecialTokens) {
  EXPECT_EQ(vocabularyError("{}"),
            "expected the token </s>, got 0 tokens without it");
  EXPECT_EQ(vocabularyError(R"({"</s>": 0, "<pad>": 1})"),
            "expected the token <unk>, got 2 tokens without it");
  EXPECT_EQ(vocabularyError(R"({"</s>": 0, "<unk>": 1})"),
            "expected the token <pad>, got 2 tokens without it");
}

TEST_F(BrokenTokenizerTest, readsATargetVocabulary) {
  directory.write("target_vocab.json",
                  R"({"</s>": 0, "<unk>": 1, "<pad>": 2, "▁oui": 3})");
  auto tokenizer = load(directory.path());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(decode(*tokenizer, {2, 3, 0}), "oui");
  EXPECT_EQ(tokenizer->sourceToken(3), "'");
  EXPECT_EQ(tokenizer->targetToken(3), "▁oui");
  EXPECT_THAT(encode(*tokenizer, "Hello"), ElementsAre(44, 97, 277, 0));

  directory.write("target.spm", "garbage");
  EXPECT_EQ(errorOf("target.spm"),
            "expected a SentencePiece model, got 7 bytes that are none");
  directory.copy(modelFile("target.spm"), "target.spm");

  directory.write("tokenizer_config.json", R"({"separate_vocabs": false})");
  tokenizer = load(directory.path());
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(decode(*tokenizer, {3}), "'");

  directory.write("tokenizer_config.json", R"({"separate_vocabs": true})");
  directory.remove("target_vocab.json");
  EXPECT_EQ(errorOf("target_vocab.json"),
            "cannot read the file: no such file or directory");

  directory.write("tokenizer_config.json", R"({"separate_vocabs": 1})");
  EXPECT_EQ(errorOf("tokenizer_config.json"),
            "field separate_vocabs: expected true or false, got 1");
  directory.write("tokenizer_config.json", "[");
  EXPECT_THAT(errorOf("tokenizer_config.json"),
              testing::HasSubstr("expected JSON"));
}

} // namespace
