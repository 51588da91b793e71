/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

   Translation from C. Every function may be called by any number of threads at
   once, on the same translator, too; a translator is destroyed when no other
   call uses it, and results when nobody reads them.

     attn_translator *translator;
     char *text;
     if (attn_translator_create(NULL, NULL, &translator) ||
         attn_translate(translator, "Hello, how are you?", &text))
       fprintf(stderr, "error: %s\n", attn_error_message());

   Text is UTF-8. Structures begin with their own size, which the caller sets:
   what a later version adds is after it. */

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
  /* The model cannot be read, or not be compiled as the options say. */
  ATTN_INVALID_MODEL = 2,
  /* This input cannot be translated: not UTF-8, too long, an id that the model
     does not have. */
  ATTN_INVALID_INPUT = 3,
  /* The model failed. */
  ATTN_FAILED = 4,
  /* attn_search said so. */
  ATTN_CANCELLED = 5
} attn_status;

/* What a call on this thread that did not return ATTN_OK last had to say: one
   line, in UTF-8; empty before that. Valid until the next such call. */
const char *attn_error_message(void);

/* "0.1.0" */
const char *attn_version(void);

/* What products are computed in. */
typedef enum {
  /* int8 if the checkpoint is quantized, else f32. */
  ATTN_DTYPE_DEFAULT = 0,
  ATTN_DTYPE_F32 = 1,
  ATTN_DTYPE_BF16 = 2,
  ATTN_DTYPE_INT8 = 3,
  /* The fastest that keeps the quality: int8. */
  ATTN_DTYPE_AUTO = 4
} attn_dtype;

/* 0 stands for the default. */
typedef struct {
  /* sizeof(attn_options) */
  size_t size;
  /* Threads of all calls together, at most 1024; a call waits for at least one.
     Default: one for each core. */
  int32_t threads;
  /* Beams of a sentence; 1 is greedy search. Default: the checkpoint's. */
  int32_t beam_size;
  /* Most tokens of an output, start and end included. Default: the
     checkpoint's. */
  int32_t max_length;
  /* An attn_dtype. */
  int32_t dtype;
  /* The layer of the decoder whose cross-attention results tell: -1 is the last
     one, -2 the one before it. Default: none, which is a little faster. */
  int32_t attention_layer;
  /* 0 */
  int32_t reserved;
} attn_options;

/* Loads a checkpoint in the Hugging Face MarianMT layout, compiled or taken
   from the disk cache. `directory` may be null: $ATTN_MODEL then, else the
   English to French model, if it is installed with this library. `options` may
   be null. */
attn_status attn_translator_create(const char *directory,
                                   const attn_options *options,
                                   attn_translator **translator);

/* Null is none. */
void attn_translator_destroy(attn_translator *translator);

/* Translates a sentence. Words that the model's vocabulary lacks are copied;
   the first of them loads what is needed for it, which takes as long and as
   much memory as the translator did. The translation is to be freed by
   attn_free(). */
attn_status attn_translate(attn_translator *translator, const char *text,
                           char **translation);

/* The same for token ids: `ids` ends with the end token, the translation has
   neither start nor end token. */
attn_status attn_translate_ids(attn_translator *translator, const int32_t *ids,
                               size_t count, int32_t **translation,
                               size_t *length);

/* Frees what a call gave. Null is nothing. */
void attn_free(void *memory);

/* How to search for translations. */
typedef struct {
  /* sizeof(attn_search) */
  size_t size;
  /* As in attn_options. */
  int32_t beam_size;
  int32_t max_length;
  /* Fewest tokens of an output, start but not end included. */
  int32_t min_length;
  /* Hypotheses of a sentence, at most as many as beams. */
  int32_t n_best;
  /* Scores are divided by length^length_penalty. */
  double length_penalty;
  /* Token ids that every output begins with; see attn_encode(). */
  const int32_t *prefix;
  size_t prefix_length;
  /* If not null, called with `context` every few milliseconds, by the thread
     that waits for the translations. The search ends if it is not 0. */
  int (*cancelled)(void *context);
  void *context;
} attn_search;

/* Fills `search`, of which `size` is set, with what the translator does if
   nothing else is asked for: one hypothesis, and the rest as the checkpoint and
   the attn_options say. */
attn_status attn_search_init(const attn_translator *translator,
                             attn_search *search);

/* Hypotheses of sentences, to be destroyed by attn_results_destroy(). */
typedef struct attn_results attn_results;

/* Translates sentences, as many at once as there are threads that no other call
   uses. All or none: an error names a sentence by its index, and is told before
   any work is done, if it can. `search` may be null. */
attn_status attn_translate_batch(attn_translator *translator,
                                 const char *const *texts, size_t count,
                                 const attn_search *search,
                                 attn_results **results);

/* The same for token ids that end with the end token: ids[i] has lengths[i]. */
attn_status attn_translate_ids_batch(attn_translator *translator,
                                     const int32_t *const *ids,
                                     const size_t *lengths, size_t count,
                                     const attn_search *search,
                                     attn_results **results);

/* Null is none. */
void attn_results_destroy(attn_results *results);

/* The number of hypotheses of a sentence: `n_best` or fewer, but at least one;
   0 if there is no such sentence. */
size_t attn_results_count(const attn_results *results, size_t sentence);

/* Pointers are valid as long as the results. */
typedef struct {
  /* sizeof(attn_hypothesis) */
  size_t size;
  const char *text;
  /* Without start and end token. */
  const int32_t *ids;
  size_t length;
  /* [steps, source_length]: row i is what the decoder attended to when it chose
     ids[i], and the last one, if there is one more, when it chose the end
     token. The last column is the end token of the sentence. Null if
     attention_layer is not given, or if there was nothing to translate. */
  const float *attention;
  size_t steps, source_length;
  /* The sum of the log probabilities of the ids and of the end token, divided
     by their number to the power of the length penalty. */
  double score;
} attn_hypothesis;

/* Fills `hypothesis`, of which `size` is set. The best is hypothesis 0. */
attn_status attn_results_hypothesis(const attn_results *results,
                                    size_t sentence, size_t number,
                                    attn_hypothesis *hypothesis);

/* Which source words the words of a hypothesis come from. Pointers are valid as
   long as the results. */
typedef struct {
  /* sizeof(attn_alignment) */
  size_t size;
  /* Words are parted by spaces and keep their punctuation. */
  const char *const *source_words;
  size_t source_count;
  const char *const *target_words;
  size_t target_count;
  /* [target_count, source_count]: each row sums to 1, or is 0. */
  const float *weights;
} attn_alignment;

/* Fills `alignment`, of which `size` is set. The translator needs an
   attention_layer. */
attn_status attn_results_alignment(const attn_results *results, size_t sentence,
                                   size_t number, attn_alignment *alignment);

typedef enum { ATTN_SOURCE = 0, ATTN_TARGET = 1 } attn_language;

/* The token ids of a text, to be freed by attn_free(). Those of the source end
   with the end token; those of the target have none, and fit a prefix. */
attn_status attn_encode(const attn_translator *translator,
                        attn_language language, const char *text, int32_t **ids,
                        size_t *count);

/* The text of token ids of the target, to be freed by attn_free(). */
attn_status attn_decode(const attn_translator *translator, const int32_t *ids,
                        size_t count, char **text);

/* The piece of a word that an id stands for, as the vocabulary writes it, such
   as "\u2581hello"; null if there is none. Valid as long as the translator. */
const char *attn_token(const attn_translator *translator,
                       attn_language language, int32_t id);

#ifdef __cplusplus
}
#endif

#endif /* ATTN_C_ATTN_H */
