// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// plugin LIBRARY: translates with a library that it is not linked with.

#include <attn-c/attn.h>
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
  if (!library)
    return 1;
  __typeof__(&attn_translator_create) create =
      dlsym(library, "attn_translator_create");
  __typeof__(&attn_translate) translate = dlsym(library, "attn_translate");
  __typeof__(&attn_error_message) message =
      dlsym(library, "attn_error_message");
  attn_translator *translator;
  char *text;
  if (create(NULL, NULL, &translator) ||
      translate(translator, "Thank you.", &text)) {
    fprintf(stderr, "error: %s\n", message());
    return 1;
  }
  printf("%s\n", text);
  return 0;
}
