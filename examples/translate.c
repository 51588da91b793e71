/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

   Translates sentences with libattn.

     cc translate.c -o translate $(pkg-config --cflags --libs attn)
     ./translate models/tatoeba-en-fr "Hello, how are you?" */

#include <attn-c/attn.h>
#include <stdio.h>

static int fail(void) {
  fprintf(stderr, "error: %s\n", attn_error_message());
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s MODEL TEXT...\n", argv[0]);
    return 1;
  }
  attn_translator *translator;
  if (attn_translator_create(argv[1], NULL, &translator))
    return fail();
  int failed = 0;
  for (int i = 2; i < argc; ++i) {
    char *translation;
    if (attn_translate(translator, argv[i], &translation)) {
      failed = fail();
      continue;
    }
    printf("%s\n", translation);
    attn_free(translation);
  }
  attn_translator_destroy(translator);
  return failed;
}
