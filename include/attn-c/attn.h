/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

   Translation from C. Every function may be called by any number of threads at
   once, on the same translator, too; a translator is destroyed when no other
   call uses it.

     attn_translator *translator;
     char *text;
     if (attn_translator_create("models/tatoeba-en-fr", NULL, &translator) ||
         attn_translate(translator, "Hello, how are you?", &text))
       fprintf(stderr, "error: %s\n", attn_error_message()); */

#ifndef ATTN_C_ATTN_H
#define ATTN_C_ATTN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct attn_translator attn_translator;

/* What a call returns. Numbers keep their meaning from version to version. */
typedef enum {
  ATTN_OK = 0,
  /* A pointer is null, or an option is out of its range. */
  ATTN_INVALID_ARGUMENT = 1,
  /* The model cannot be read or compiled. */
  ATTN_INVALID_MODEL = 2,
  /* This input cannot be translated: not UTF-8, too long, an id that the model
     does not have. */
  ATTN_INVALID_INPUT = 3,
  /* The model failed. */
  ATTN_FAILED = 4
} attn_status;

/* What a call on this thread that did not return ATTN_OK last had to say: one
   line, in UTF-8; empty before that. Valid until the next such call. */
const char *attn_error_message(void);

/* "0.1.0" */
const char *attn_version(void);

/* 0 stands for the default. */
typedef struct {
  /* sizeof(attn_options): options that a later version adds are after it. */
  size_t size;
  /* Sentences translated at once; others wait. Default: one for each core. */
  int32_t threads;
  /* Beams of a sentence; 1 is greedy search. Default: the checkpoint's. */
  int32_t beam_size;
  /* Most tokens of an output, start and end included. Default: the
     checkpoint's. */
  int32_t max_length;
} attn_options;

/* Loads a checkpoint in the Hugging Face MarianMT layout, compiled or taken
   from the disk cache. `options` may be null. */
attn_status attn_translator_create(const char *directory,
                                   const attn_options *options,
                                   attn_translator **translator);

/* Null is none. */
void attn_translator_destroy(attn_translator *translator);

/* Translates a sentence. The translation is to be freed by attn_free(). */
attn_status attn_translate(attn_translator *translator, const char *text,
                           char **translation);

/* The same for token ids: `ids` ends with the end token, the translation has
   neither start nor end token. */
attn_status attn_translate_ids(attn_translator *translator, const int32_t *ids,
                               size_t count, int32_t **translation,
                               size_t *length);

/* Frees what a call gave. Null is nothing. */
void attn_free(void *memory);

#ifdef __cplusplus
}
#endif

#endif /* ATTN_C_ATTN_H */
