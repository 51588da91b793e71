// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// batch MODEL ALIGNMENTS < text: translates all lines at once, with four beams,
// and again as token ids; prints the three best of each with their scores, and
// writes to ALIGNMENTS which words the best one comes from (0-0 1-2). An error
// if the two differ, or if attention does not add up.

#include <attn-c/attn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { mostLines = 64, best = 3 };

static attn_translator *translator;

static void check(int holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "error: %s: %s\n", what, attn_error_message());
  exit(1);
}

static attn_hypothesis hypothesisOf(const attn_results *results, size_t line,
                                    size_t number) {
  attn_hypothesis hypothesis = {.size = sizeof(hypothesis)};
  check(!attn_results_hypothesis(results, line, number, &hypothesis),
        "hypothesis");
  return hypothesis;
}

static void checkSums(const float *rows, size_t count, size_t length) {
  for (size_t row = 0; row < count; ++row) {
    double sum = 0;
    for (size_t i = 0; i < length; ++i)
      sum += rows[row * length + i];
    check(fabs(sum - 1) < 1e-4, "a row of weights does not sum to 1");
  }
}

static void writeAlignment(const attn_results *results, size_t line,
                           FILE *file) {
  attn_alignment words = {.size = sizeof(words)};
  check(!attn_results_alignment(results, line, 0, &words), "alignment");
  checkSums(words.weights, words.target_count, words.source_count);
  for (size_t target = 0; target < words.target_count; ++target) {
    const float *row = words.weights + target * words.source_count;
    size_t strongest = 0;
    for (size_t source = 1; source < words.source_count; ++source)
      if (row[source] > row[strongest])
        strongest = source;
    fprintf(file, "%s%zu-%zu", target ? " " : "", strongest, target);
  }
  fputc('\n', file);
}

/// Pieces, joined, are the text.
static void checkPieces(attn_hypothesis hypothesis) {
  char joined[1024] = "";
  for (size_t i = 0; i < hypothesis.length; ++i)
    strcat(joined, attn_token(translator, ATTN_TARGET, hypothesis.ids[i]));
  const char *space = "\u2581", *text = hypothesis.text;
  for (const char *c = joined; *c; ++text)
    if (strncmp(c, space, strlen(space)) == 0) {
      c += strlen(space);
      text -= c - strlen(space) == joined; // none before the first
    } else {
      check(*c++ == *text, "pieces are not those of the text");
    }
}

int main(int argc, char **argv) {
  attn_options options = {.size = sizeof(options), .attention_layer = -1};
  if (argc != 3)
    return 1;
  check(!attn_translator_create(argv[1], &options, &translator), "create");
  char *texts[mostLines];
  int32_t *ids[mostLines];
  size_t lengths[mostLines], count = 0;
  static char line[1024];
  for (; count < mostLines && fgets(line, sizeof(line), stdin); ++count) {
    line[strcspn(line, "\n")] = 0;
    texts[count] = strdup(line);
    check(!attn_encode(translator, ATTN_SOURCE, line, &ids[count],
                       &lengths[count]),
          "encode");
  }

  attn_search search = {.size = sizeof(search)};
  check(!attn_search_init(translator, &search), "init");
  search.beam_size = 4;
  search.n_best = best;
  attn_results *ofTexts, *ofIds;
  check(!attn_translate_batch(translator, (const char *const *)texts, count,
                              &search, &ofTexts),
        "texts");
  check(!attn_translate_ids_batch(translator, (const int32_t *const *)ids,
                                  lengths, count, &search, &ofIds),
        "ids");
  FILE *alignments = fopen(argv[2], "w");
  for (size_t i = 0; i < count; ++i) {
    for (size_t n = 0; n < attn_results_count(ofTexts, i); ++n) {
      attn_hypothesis a = hypothesisOf(ofTexts, i, n);
      attn_hypothesis b = hypothesisOf(ofIds, i, n);
      check(a.length == b.length && a.score == b.score &&
                memcmp(a.ids, b.ids, a.length * sizeof(*a.ids)) == 0 &&
                strcmp(a.text, b.text) == 0,
            "ids do not give what texts give");
      check(a.source_length == lengths[i] && a.steps == a.length + 1,
            "shape of attention");
      checkSums(a.attention, a.steps, a.source_length);
      checkPieces(a);
      printf("%.6f\t%s\n", a.score, a.text);
    }
    writeAlignment(ofTexts, i, alignments);
    free(texts[i]);
    attn_free(ids[i]);
  }
  fclose(alignments);

  // Where there is nothing, there are no words, which is no error.
  const char *nothing = " ";
  attn_results *ofNothing;
  check(!attn_translate_batch(translator, &nothing, 1, NULL, &ofNothing),
        "nothing");
  attn_alignment words = {.size = sizeof(words), .target_count = 1};
  check(!attn_results_alignment(ofNothing, 0, 0, &words) &&
            words.source_count + words.target_count == 0,
        "words of nothing");
  attn_results_destroy(ofNothing);
  attn_results_destroy(ofTexts);
  attn_results_destroy(ofIds);
  attn_translator_destroy(translator);
  return 0;
}
