/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

   Translates token ids with a network that was compiled ahead of time: no
   compiler, no weights file and no library but OpenMP's at run time.

     attn import models/tatoeba-en-fr -o model.mlir
     attn compile model.mlir -o model.so --header model.h
     cc -I. greedy.c -o greedy ./model.so
     ./greedy 6217 0

   For short sentences: each step computes the whole prefix anew. */

#include "model.h"
#include <stdio.h>

/* As the checkpoint's config.json says. */
enum { vocabulary = 8001, start = 8000, end = 0, longest = 64 };

static void fail(const char *function, int argument) {
  fprintf(stderr, "error: %s: argument %d is of a wrong size\n", function,
          argument);
  exit(EXIT_FAILURE);
}

/* The token with the greatest of `logits`; never the start token. */
static int32_t choose(const float *logits) {
  int32_t best = 0;
  for (int32_t token = 1; token < vocabulary; ++token)
    if (token != start && logits[token] > logits[best])
      best = token;
  return best;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s ID... (the end token last)\n", argv[0]);
    return EXIT_FAILURE;
  }
  int32_t length = argc - 1;
  int32_t *source = malloc(length * sizeof(int32_t));
  for (int32_t i = 0; i < length; ++i)
    source[i] = atoi(argv[i + 1]);

  attn_tensor_2 ids = attn_make_2(source, 1, length);
  attn_tensor_1 lengths = attn_make_1(&length, 1);
  attn_encode_results encoded;
  int wrong = attn_encode(&encoded, &ids, &lengths);
  if (wrong)
    fail("encode", wrong);

  int32_t prefix[longest] = {start};
  for (int32_t count = 1; count < longest; ++count) {
    attn_tensor_2 tokens = attn_make_2(prefix, 1, count);
    attn_decode_results decoded;
    wrong = attn_decode(&decoded, &tokens, &encoded.result0, &lengths);
    if (wrong)
      fail("decode", wrong);
    const float *logits = decoded.result0.data;
    prefix[count] = choose(logits + (int64_t)(count - 1) * vocabulary);
    attn_release(decoded.result0.allocated);
    if (prefix[count] == end)
      break;
    printf(count == 1 ? "%d" : " %d", prefix[count]);
  }
  printf("\n");
  attn_release(encoded.result0.allocated);
  free(source);
  return EXIT_SUCCESS;
}
