// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two programs translate: `attn translate`, which compiles a checkpoint, and an
// executable that `attn compile` made of one. Options and work are the same, in
// translate.cpp. What differs is declared here, and defined for each of them:
// in TranslateCommand.cpp, and in tools/translator.

#ifndef ATTN_TOOLS_ATTN_TRANSLATECOMMAND_H
#define ATTN_TOOLS_ATTN_TRANSLATECOMMAND_H

#include "attn/Text/SentenceSplitter.h"
#include "attn/Text/UnknownWords.h"
#include "attn/Translation/TranslationModel.h"
#include "llvm/Support/CommandLine.h"

namespace attn {

/// Translates as the options say, once they are parsed.
llvm::Error runTranslate();

/// What options of translating belong to.
llvm::cl::SubCommand &translateCommand();

/// Whether `path` is one of the files that the model is read from.
bool isOfModel(llvm::StringRef path);

/// The model, to be used by so many threads; 0: one for each core. Steps of
/// decoding tell what they attend to in the layer `attentionLayer` of the
/// decoder, if it is given, as TranslationModel::decoderLayer counts.
llvm::Expected<TranslationModel>
loadTranslationModel(bool withTokenizer, int threads,
                     std::optional<int64_t> attentionLayer);

/// As SentenceSplitter::create.
llvm::Expected<std::unique_ptr<SentenceSplitter>>
createSentenceSplitter(llvm::StringRef language);

/// What finds words, so that unknown ones are copied; null if nothing does.
Segmenter *wordSegmenter();

/// Asks someone at a terminal for a line; nothing at the end.
std::optional<std::string> readTypedLine();

} // namespace attn

#endif // ATTN_TOOLS_ATTN_TRANSLATECOMMAND_H
