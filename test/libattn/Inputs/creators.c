// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// creators MODEL: eight threads, each with a translator of its own, from its
// creation to its end. An error if one translates wrongly.

#include <attn-c/attn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { count = 8 };

static const char *model;

static void *translate(void *argument) {
  attn_translator *translator;
  attn_options options = {.size = sizeof(options),
                          .threads = 1 + (size_t)argument % 2};
  char *translation;
  if (attn_translator_create(model, &options, &translator) ||
      attn_translate(translator, "Thank you.", &translation)) {
    fprintf(stderr, "error: %s\n", attn_error_message());
    return (void *)1;
  }
  size_t wrong = strcmp(translation, "Merci.") != 0;
  attn_free(translation);
  attn_translator_destroy(translator);
  return (void *)wrong;
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 1;
  model = argv[1];
  pthread_t threads[count];
  for (size_t i = 0; i < count; ++i)
    if (pthread_create(&threads[i], NULL, translate, (void *)i))
      return 1;
  size_t wrong = 0;
  for (size_t i = 0; i < count; ++i) {
    void *result;
    pthread_join(threads[i], &result);
    wrong += (size_t)result;
  }
  fprintf(stderr, "%d translators, %zu wrong\n", count, wrong);
  return wrong != 0;
}
