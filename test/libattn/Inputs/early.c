// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// early MODEL: destroys a translator that another thread may still use, as far
// as anything but the clock says: a race inside libattn.

#include <attn-c/attn.h>
#include <pthread.h>
#include <unistd.h>

static attn_translator *translator;

static void *translate(void *unused) {
  (void)unused;
  char *translation;
  if (!attn_translate(translator, "Thank you.", &translation))
    attn_free(translation);
  sleep(4);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t thread;
  if (argc != 2 || attn_translator_create(argv[1], NULL, &translator) ||
      pthread_create(&thread, NULL, translate, NULL))
    return 1;
  sleep(2);
  attn_translator_destroy(translator);
  pthread_join(thread, NULL);
  return 0;
}
