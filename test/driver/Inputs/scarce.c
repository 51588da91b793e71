// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// To be loaded before a program: a system that has no memory, after somebody
// asked for a lot of it, or that starts no thread, if THREADS is 0.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);

void *malloc(size_t size) {
  static int isEmpty;
  if (size > 15000000)
    isEmpty = 1;
  return isEmpty ? NULL : __libc_malloc(size);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*function)(void *), void *argument) {
  const char *threads = getenv("THREADS");
  if (threads && strcmp(threads, "0") == 0)
    return EAGAIN;
  int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
  return create(thread, attributes, function, argument);
}
