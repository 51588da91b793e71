// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// calls: what calls say that cannot do what they are asked to, and what becomes
// of little things to translate, by the model that is used if none is named.

#include <attn-c/attn.h>
#include <stdio.h>
#include <string.h>

static attn_translator *translator;

static attn_status show(const char *what, attn_status status) {
  printf("%s: %d %s\n", what, status, status ? attn_error_message() : "ok");
  return status;
}

static attn_search searchOf(size_t size) {
  attn_search search = {.size = size};
  show("init", attn_search_init(translator, &search));
  return search;
}

static int isSecondCall(void *context) { return ++*(int *)context == 2; }

static void search(void) {
  const char *texts[] = {"Thank you.", "", "  ", "Hello."};
  attn_results *results;
  show("batch", attn_translate_batch(translator, texts, 4, NULL, &results));
  for (size_t i = 0; i < 5; ++i) {
    attn_hypothesis hypothesis = {.size = sizeof(hypothesis)};
    if (attn_results_count(results, i) == 0)
      printf("%zu: none\n", i);
    else if (!attn_results_hypothesis(results, i, 0, &hypothesis))
      printf("%zu: '%s' of %zu tokens%s\n", i, hypothesis.text,
             hypothesis.length, hypothesis.attention ? ", attention" : "");
  }
  // A program that was built when there was only a text.
  attn_hypothesis old = {.size = offsetof(attn_hypothesis, ids), .length = 77};
  attn_results_hypothesis(results, 0, 0, &old);
  printf("old: '%s' %zu\n", old.text, old.length);
  attn_hypothesis unknown = {0};
  show("no size", attn_results_hypothesis(results, 0, 0, &unknown));
  unknown.size = sizeof(unknown);
  show("no hypothesis", attn_results_hypothesis(results, 1, 1, &unknown));
  attn_alignment alignment = {.size = sizeof(alignment)};
  show("no attention", attn_results_alignment(results, 0, 0, &alignment));
  attn_results_destroy(results);

  show("nothing", attn_translate_batch(translator, NULL, 0, NULL, &results));
  printf("nothing: %zu\n", attn_results_count(results, 0));
  attn_results_destroy(results);

  texts[2] = "\xff";
  show("not text", attn_translate_batch(translator, texts, 4, NULL, &results));
  texts[2] = NULL;
  show("no text", attn_translate_batch(translator, texts, 4, NULL, &results));
  const int32_t known[] = {1, 0}, other[] = {8001};
  const int32_t *ids[] = {known, other};
  const size_t lengths[] = {2, 1};
  show("ids",
       attn_translate_ids_batch(translator, ids, lengths, 2, NULL, &results));

  attn_search search = searchOf(sizeof(search));
  printf("checkpoint: %d beams, %d..%d tokens, best %d, penalty %g\n",
         search.beam_size, search.min_length, search.max_length, search.n_best,
         search.length_penalty);
  search.n_best = search.beam_size + 1;
  show("n-best", attn_translate_batch(translator, texts, 1, &search, &results));
  search.n_best = 1;
  search.prefix_length = 1;
  show("null prefix",
       attn_translate_batch(translator, texts, 1, &search, &results));
  int32_t *prefix;
  show("encode", attn_encode(translator, ATTN_TARGET, "Je vous", &prefix,
                             &search.prefix_length));
  search.prefix = prefix;
  show("prefix", attn_translate_batch(translator, texts, 1, &search, &results));
  attn_hypothesis hypothesis = {.size = sizeof(hypothesis)};
  attn_results_hypothesis(results, 0, 0, &hypothesis);
  printf("prefix: %s\n", hypothesis.text);
  char *text;
  show("decode",
       attn_decode(translator, hypothesis.ids, search.prefix_length, &text));
  printf("decode: %s\n", text);
  attn_free(text);
  attn_free(prefix);
  attn_results_destroy(results);
  show("decode", attn_decode(translator, other, 1, &text));
  const int32_t last[] = {INT32_MAX};
  show("decode", attn_decode(translator, last, 1, &text));
  show("encode", attn_encode(translator, (attn_language)2, "Je vous", &prefix,
                             &search.prefix_length));
  printf("token: %s, %s, %s\n", attn_token(translator, ATTN_SOURCE, 0),
         attn_token(translator, ATTN_TARGET, -1) ? "a token" : "none",
         attn_token(translator, ATTN_TARGET, INT32_MAX) ? "a token" : "none");

  int calls = 0;
  search = searchOf(sizeof(search));
  search.cancelled = isSecondCall;
  search.context = &calls;
  show("cancel", attn_translate_batch(translator, texts, 2, &search, &results));
  // Decoders that stopped in the middle are as good as others.
  show("again", attn_translate(translator, texts[0], &text));
  printf("again: %s\n", text);
  attn_free(text);
}

int main(void) {
  attn_options options = {.size = 4};
  show("size", attn_translator_create(NULL, &options, &translator));
  options = (attn_options){.size = sizeof(options), .dtype = 9};
  show("dtype", attn_translator_create(NULL, &options, &translator));
  options.dtype = ATTN_DTYPE_INT8;
  options.threads = 1025;
  show("threads", attn_translator_create(NULL, &options, &translator));
  options.threads = 0;
  options.beam_size = -1;
  show("beams", attn_translator_create(NULL, &options, &translator));
  options.beam_size = 0;
  show("name", attn_translator_create("/no\nfolder\xff", NULL, &translator));
  options.attention_layer = 1;
  show("layer", attn_translator_create(NULL, &options, &translator));
  options.attention_layer = -4;
  show("layer", attn_translator_create(NULL, &options, &translator));
  options.attention_layer = 0;
  if (show("create", attn_translator_create(NULL, &options, &translator)))
    return 1;
  search();
  attn_translator_destroy(translator);
  return 0;
}
