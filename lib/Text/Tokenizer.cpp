// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/Tokenizer.h"

#include "SpaceSign.h"
#include "attn/Weights/JsonFile.h"
#include "attn/Weights/Messages.h"
#include "attn/Weights/ReadFile.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Path.h"
#include <limits>
#include <optional>
#include <sentencepiece_processor.h>

using namespace llvm;
using namespace attn;

static constexpr StringLiteral endToken = "</s>";
static constexpr StringLiteral unknownToken = "<unk>";
static constexpr StringLiteral paddingToken = "<pad>";

/// Tokens and their ids, both ways.
struct Tokenizer::Vocabulary {
  StringMap<int32_t> ids;
  // Of the keys of `ids`. A DenseMap keeps two numbers for itself, which here
  // are no ids: one asks for any of them.
  DenseMap<int64_t, StringRef> tokens;
  int32_t endId = 0, unknownId = 0, paddingId = 0;

  static Expected<std::shared_ptr<const Vocabulary>>
  load(StringRef path, vfs::FileSystem &files);

  bool isSpecial(int32_t id) const {
    return id == endId || id == unknownId || id == paddingId;
  }
  StringRef token(int32_t id) const { return tokens.lookup(id); }
};

struct Tokenizer::Pieces {
  sentencepiece::SentencePieceProcessor processor;

  static Expected<std::shared_ptr<const Pieces>> load(StringRef path,
                                                      vfs::FileSystem &files);
};

Expected<std::shared_ptr<const Tokenizer::Vocabulary>>
Tokenizer::Vocabulary::load(StringRef path, vfs::FileSystem &files) {
  Expected<json::Object> object = readJsonObject(path, files);
  if (!object)
    return object.takeError();
  auto vocabulary = std::make_shared<Vocabulary>();
  vocabulary->tokens.reserve(object->size());
  constexpr int64_t maxId = std::numeric_limits<int32_t>::max();
  for (const auto &[key, value] : *object) {
    StringRef token = key;
    std::optional<int64_t> id = value.getAsInteger();
    if (!id || *id < 0 || *id > maxId)
      return createStringError(path + ": token " +
                               describeJson(json::Value(token)) +
                               ": expected an id in 0.." + Twine(maxId) +
                               ", got " + describeJson(value));
    auto it = vocabulary->ids.try_emplace(token, *id).first;
    auto [other, isNew] = vocabulary->tokens.try_emplace(*id, it->getKey());
    if (!isNew)
      return createStringError(path + ": expected one token for id " +
                               Twine(*id) + ", got " +
                               describeJson(json::Value(other->second)) +
                               " and " + describeJson(json::Value(token)));
  }
  for (auto [token, id] : {std::pair(endToken, &vocabulary->endId),
                           std::pair(unknownToken, &vocabulary->unknownId),
                           std::pair(paddingToken, &vocabulary->paddingId)}) {
    auto it = vocabulary->ids.find(token);
    if (it == vocabulary->ids.end())
      return createStringError(path + ": expected the token " + token +
                               ", got " + Twine(vocabulary->ids.size()) +
                               " tokens without it");
    *id = it->getValue();
  }
  return vocabulary;
}

Expected<std::shared_ptr<const Tokenizer::Pieces>>
Tokenizer::Pieces::load(StringRef path, vfs::FileSystem &files) {
  Expected<std::unique_ptr<MemoryBuffer>> buffer =
      readRegularFile(path, "SentencePiece model", files);
  if (!buffer)
    return buffer.takeError();
  auto pieces = std::make_shared<Pieces>();
  StringRef bytes = (*buffer)->getBuffer();
  sentencepiece::util::Status status =
      pieces->processor.LoadFromSerializedProto({bytes.data(), bytes.size()});
  // An empty model is a valid message, but one that cannot encode.
  if (!status.ok() || pieces->processor.GetPieceSize() == 0)
    return createStringError(path + ": expected a SentencePiece model, got " +
                             Twine(bytes.size()) + " bytes that are none");
  return pieces;
}

static std::string pathIn(StringRef directory, StringRef name) {
  SmallString<128> path(directory);
  sys::path::append(path, name);
  return path.str().str();
}

/// tokenizer_config.json; without fields if there is none.
static Expected<json::Object> readConfig(StringRef directory,
                                         vfs::FileSystem &files) {
  std::string path = pathIn(directory, "tokenizer_config.json");
  if (isInFolder(path, files))
    return readJsonObject(path, files);
  return json::Object();
}

/// Whether the target language of the checkpoint has its own vocabulary.
static Expected<bool> hasTargetVocabulary(StringRef directory,
                                          const json::Object &config,
                                          vfs::FileSystem &files) {
  if (const json::Value *value = config.get("separate_vocabs")) {
    if (std::optional<bool> separate = value->getAsBoolean())
      return *separate;
    return createStringError(
        pathIn(directory, "tokenizer_config.json") +
        ": field separate_vocabs: expected true or false, got " +
        describeJson(*value));
  }
  return isInFolder(pathIn(directory, "target_vocab.json"), files);
}

Tokenizer::Tokenizer() = default;
Tokenizer::~Tokenizer() = default;

Expected<std::unique_ptr<Tokenizer>>
Tokenizer::load(StringRef directory,
                const IntrusiveRefCntPtr<vfs::FileSystem> &files) {
  std::unique_ptr<Tokenizer> tokenizer(new Tokenizer());
  tokenizer->files = files;
  if (Error error = Pieces::load(pathIn(directory, "source.spm"), *files)
                        .moveInto(tokenizer->sourceModel))
    return std::move(error);
  if (Error error = Vocabulary::load(pathIn(directory, "vocab.json"), *files)
                        .moveInto(tokenizer->source))
    return std::move(error);

  Expected<json::Object> config = readConfig(directory, *files);
  if (!config)
    return config.takeError();
  // Some checkpoints have null here.
  if (std::optional<StringRef> language = config->getString("source_lang"))
    tokenizer->language = language->str();
  Expected<bool> separate = hasTargetVocabulary(directory, *config, *files);
  if (!separate)
    return separate.takeError();
  std::string targetPath = pathIn(directory, "target.spm");
  tokenizer->targetModelPath = targetPath;
  if (!*separate) {
    // The reference asks for the file and then does without it.
    if (std::error_code code = files->status(targetPath).getError())
      return createStringError(
          code, targetPath +
                    ": cannot read the SentencePiece model: " + reasonOf(code));
    tokenizer->target = tokenizer->source;
    tokenizer->targetModel = tokenizer->sourceModel;
    return std::move(tokenizer);
  }
  if (Error error =
          Pieces::load(targetPath, *files).moveInto(tokenizer->targetModel))
    return std::move(error);
  if (Error error =
          Vocabulary::load(pathIn(directory, "target_vocab.json"), *files)
              .moveInto(tokenizer->target))
    return std::move(error);
  return std::move(tokenizer);
}

/// Splits off what comes before the first special token in `text`, and that
/// token (empty if there is none).
static std::pair<StringRef, StringRef> takeSegment(StringRef &text) {
  size_t position = StringRef::npos;
  StringRef found;
  for (StringRef token : {endToken, unknownToken, paddingToken}) {
    size_t at = text.find(token);
    if (at < position) {
      position = at;
      found = token;
    }
  }
  StringRef segment = text.take_front(position);
  text = text.drop_front(segment.size() + found.size());
  return {segment, found};
}

StringRef Tokenizer::languageCode(StringRef text) {
  size_t end = text.starts_with(">>") ? text.find("<<") : StringRef::npos;
  return end == StringRef::npos ? StringRef() : text.take_front(end + 2);
}

/// Calls `append` with each piece of `text` and what it stands for there.
Error Tokenizer::cut(StringRef text, const Pieces &pieces,
                     function_ref<void(StringRef, StringRef)> append) {
  const UTF8 *position = text.bytes_begin();
  if (!isLegalUTF8String(&position, text.bytes_end()))
    return createStringError(
        "expected text in UTF-8, got byte 0x" +
        utohexstr(*position, /*LowerCase=*/true, /*Width=*/2) + " at offset " +
        Twine(position - text.bytes_begin()));

  while (!text.empty()) {
    auto [segment, special] = takeSegment(text);
    if (StringRef code = languageCode(segment); !code.empty()) {
      append(code, "");
      segment = segment.drop_front(code.size());
    }
    sentencepiece::ImmutableSentencePieceText cut;
    sentencepiece::util::Status status = pieces.processor.Encode(
        {segment.data(), segment.size()}, cut.mutable_proto());
    if (!status.ok())
      return createStringError("cannot cut the text into pieces: " +
                               status.ToString());
    for (const auto &piece : cut.pieces())
      append(piece.piece(), piece.surface());
    if (!special.empty())
      append(special, special);
  }
  return Error::success();
}

Expected<std::vector<int32_t>> Tokenizer::encode(StringRef text,
                                                 const Pieces &pieces,
                                                 const Vocabulary &vocabulary) {
  std::vector<int32_t> ids;
  if (Error error = cut(text, pieces, [&](StringRef piece, StringRef) {
        auto it = vocabulary.ids.find(piece);
        ids.push_back(it == vocabulary.ids.end() ? vocabulary.unknownId
                                                 : it->getValue());
      }))
    return std::move(error);
  return ids;
}

Expected<std::vector<int32_t>> Tokenizer::encode(StringRef text) const {
  Expected<std::vector<int32_t>> ids = encode(text, *sourceModel, *source);
  if (ids)
    ids->push_back(source->endId);
  return ids;
}

Expected<std::vector<std::string>>
Tokenizer::sourceTexts(StringRef text) const {
  std::vector<std::string> texts;
  if (Error error = cut(text, *sourceModel, [&](StringRef, StringRef text) {
        texts.push_back(text.str());
      }))
    return std::move(error);
  texts.push_back("");
  return texts;
}

Expected<std::vector<int32_t>> Tokenizer::encodeTarget(StringRef text) const {
  std::shared_ptr<const Pieces> pieces = targetModel;
  if (target == source)
    if (Error error = Pieces::load(targetModelPath, *files).moveInto(pieces))
      return std::move(error);
  Expected<std::vector<int32_t>> ids = encode(text, *pieces, *target);
  if (ids && is_contained(*ids, target->unknownId))
    return createStringError("expected text of the target vocabulary, got " +
                             describeJson(json::Value(text)) +
                             ", of which a piece is unknown");
  return ids;
}

/// What Python's str.isspace says of a character.
static bool isSpace(UTF32 c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 ||
         c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

/// `text` without space, in the sense of Unicode, at both ends.
static StringRef strip(StringRef text) {
  const UTF8 *position = text.bytes_begin();
  size_t first = text.size(), last = text.size();
  while (position != text.bytes_end()) {
    size_t begin = position - text.bytes_begin();
    UTF32 c;
    // Bytes that are no character (a vocabulary may have byte pieces) count as
    // text.
    bool isText = convertUTF8Sequence(&position, text.bytes_end(), &c,
                                      strictConversion) != conversionOK;
    if (isText)
      ++position;
    if (isText || !isSpace(c)) {
      first = std::min(first, begin);
      last = position - text.bytes_begin();
    }
  }
  return text.slice(first, last);
}

std::vector<std::string> Tokenizer::sourcePieces(ArrayRef<int32_t> ids) const {
  std::vector<std::string> texts;
  for (int32_t id : ids)
    texts.push_back(source->isSpecial(id) ? "" : sourceToken(id).str());
  return texts;
}

Expected<std::vector<std::string>>
Tokenizer::targetPieces(ArrayRef<int32_t> ids) const {
  std::vector<std::string> texts;
  for (int32_t id : ids) {
    auto it = target->tokens.find(id);
    if (target->isSpecial(id))
      texts.push_back("");
    else if (it != target->tokens.end())
      texts.push_back(it->second.str());
    // The reference, too, asks SentencePiece for ids past the vocabulary.
    else if (id >= 0 && id < targetModel->processor.GetPieceSize())
      texts.push_back(targetModel->processor.IdToPiece(id));
    else
      return createStringError("expected an id of the target vocabulary of " +
                               Twine(target->ids.size()) + " tokens, got " +
                               Twine(id));
  }
  return texts;
}

Expected<std::string> Tokenizer::join(ArrayRef<std::string> pieces) const {
  std::string text;
  sentencepiece::util::Status status =
      targetModel->processor.Decode(pieces.vec(), &text);
  if (!status.ok())
    return createStringError("cannot join the pieces: " + status.ToString());
  size_t at = 0;
  while ((at = text.find(spaceSign, at)) != std::string::npos)
    text.replace(at++, spaceSign.size(), " ");
  return strip(text).str();
}

Expected<std::string> Tokenizer::decode(ArrayRef<int32_t> ids) const {
  Expected<std::vector<std::string>> pieces = targetPieces(ids);
  if (!pieces)
    return pieces.takeError();
  return join(*pieces);
}

StringRef Tokenizer::sourceToken(int32_t id) const { return source->token(id); }
StringRef Tokenizer::targetToken(int32_t id) const { return target->token(id); }
int32_t Tokenizer::endId() const { return source->endId; }
int32_t Tokenizer::unknownId() const { return source->unknownId; }
int32_t Tokenizer::targetEndId() const { return target->endId; }
int32_t Tokenizer::targetUnknownId() const { return target->unknownId; }
