// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_LIBATTN_TRANSLATOR_H
#define ATTN_TOOLS_LIBATTN_TRANSLATOR_H

#include "DecoderPool.h"
#include "attn-c/attn.h"
#include "attn/Translation/UnknownWordCopier.h"

struct attn_translator {
  attn_translator(
      attn::TranslationModel model, attn::GenerationOptions options,
      std::function<llvm::Expected<attn::TranslationModel>()> loadWithAttention)
      : model(std::move(model)), options(std::move(options)),
        pool(this->model.decoders),
        copier(*this->model.tokenizer, attn::segmentsOf,
               std::move(loadWithAttention)) {}

  /// What is done if nothing else is asked for.
  attn_search search() const;

  attn::TranslationModel model;
  attn::GenerationOptions options;
  attn::DecoderPool pool;
  attn::UnknownWordCopier copier;
};

#endif // ATTN_TOOLS_LIBATTN_TRANSLATOR_H
