// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// threads MODEL COUNT < ids: translates each line and a text in turn, and then
// all of them in as many threads as COUNT says, on one translator; some
// translate all lines at once, too. Prints the first translations of the lines.
// An error if another thread got something else.

#include <attn-c/attn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { mostLines = 64, mostIds = 256 };

static attn_translator *translator;
static int32_t source[mostLines][mostIds], *expected[mostLines];
static size_t lengths[mostLines], expectedLengths[mostLines];
static size_t lines;
static const char *text = "Thank you. How are you?";
static char *expectedText;

static size_t translateBatch(void) {
  const int32_t *ids[mostLines];
  for (size_t i = 0; i < lines; ++i)
    ids[i] = source[i];
  attn_results *results;
  if (attn_translate_ids_batch(translator, ids, lengths, lines, NULL,
                               &results)) {
    fprintf(stderr, "error: %s\n", attn_error_message());
    return 1;
  }
  size_t wrong = 0;
  for (size_t line = 0; line < lines; ++line) {
    attn_hypothesis best = {.size = sizeof(best)};
    wrong +=
        attn_results_hypothesis(results, line, 0, &best) ||
        best.length != expectedLengths[line] ||
        memcmp(best.ids, expected[line], best.length * sizeof(*best.ids)) != 0;
  }
  attn_results_destroy(results);
  return wrong;
}

static void *translateAll(void *argument) {
  size_t first = (size_t)argument, wrong = 0;
  for (size_t i = 0; i < lines; ++i) {
    size_t line = (first + i) % lines, length;
    int32_t *ids;
    if (attn_translate_ids(translator, source[line], lengths[line], &ids,
                           &length)) {
      fprintf(stderr, "error: %s\n", attn_error_message());
      return (void *)1;
    }
    wrong += length != expectedLengths[line] ||
             memcmp(ids, expected[line], length * sizeof(*ids)) != 0;
    attn_free(ids);
    // An error belongs to its thread, and spoils nothing.
    int32_t unknown = -1 - (int32_t)first;
    char message[128];
    snprintf(message, sizeof(message), "got %d", unknown);
    wrong += attn_translate_ids(translator, &unknown, 1, &ids, &length) !=
                 ATTN_INVALID_INPUT ||
             !strstr(attn_error_message(), message);
  }
  if (first % 8 == 0)
    wrong += translateBatch();
  char *translation;
  if (attn_translate(translator, text, &translation)) {
    fprintf(stderr, "error: %s\n", attn_error_message());
    return (void *)1;
  }
  wrong += strcmp(translation, expectedText) != 0;
  attn_free(translation);
  return (void *)wrong;
}

int main(int argc, char **argv) {
  attn_options options = {
      .size = sizeof(options), .threads = 2, .beam_size = 1};
  if (argc != 3 || attn_translator_create(argv[1], &options, &translator))
    return 1;
  if (attn_translate(translator, text, &expectedText))
    return 1;
  static char line[mostIds * 8];
  for (; lines < mostLines && fgets(line, sizeof(line), stdin); ++lines) {
    size_t count = 0;
    for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
      source[lines][count++] = atoi(word);
    lengths[lines] = count;
    if (attn_translate_ids(translator, source[lines], count, &expected[lines],
                           &expectedLengths[lines]))
      return 1;
    for (size_t i = 0; i < expectedLengths[lines]; ++i)
      printf(i ? " %d" : "%d", expected[lines][i]);
    printf("\n");
  }
  size_t count = atoi(argv[2]), wrong = 0;
  pthread_t *threads = calloc(count, sizeof(*threads));
  for (size_t i = 0; i < count; ++i)
    if (pthread_create(&threads[i], NULL, translateAll, (void *)i))
      return 1;
  for (size_t i = 0; i < count; ++i) {
    void *result;
    pthread_join(threads[i], &result);
    wrong += (size_t)result;
  }
  free(threads);
  for (size_t i = 0; i < lines; ++i)
    attn_free(expected[i]);
  attn_free(expectedText);
  attn_translator_destroy(translator);
  fprintf(stderr, "%zu threads, %zu wrong\n", count, wrong);
  return wrong != 0;
}
