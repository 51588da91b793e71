// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled code, and loops that clang compiles, call OpenMP by the names of
// LLVM's runtime. Debian has that only as a shared library, which an executable
// that is copied to another machine would miss there; GCC's runtime comes as a
// static one with every compiler. So here are those names that are used, in
// terms of GCC's. Nothing here starts a thread or waits.

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <omp.h>

// Of libgomp (libgomp_g.h of GCC).
extern "C" {
void GOMP_parallel(void (*function)(void *), void *data, unsigned threads,
                   unsigned flags);
void GOMP_barrier();
bool GOMP_loop_ull_dynamic_start(bool up, unsigned long long start,
                                 unsigned long long end,
                                 unsigned long long step,
                                 unsigned long long chunk,
                                 unsigned long long *first,
                                 unsigned long long *last);
bool GOMP_loop_ull_dynamic_next(unsigned long long *first,
                                unsigned long long *last);
void GOMP_loop_end_nowait();
}

namespace {

/// The body of a parallel region. It takes pointers to two thread numbers,
/// which it does not read, and to what it shares.
using Body = void (*)(int32_t *, int32_t *, ...);

/// More than any region here shares.
constexpr int mostShared = 8;

struct Region {
  Body body;
  void *shared[mostShared];
};

/// A loop whose iterations are handed out in chunks, from its start to the
/// first time that this thread asks for some.
struct Loop {
  uint64_t begin, end, step, chunk;
  bool isStarted;
};

thread_local Loop loop;

} // namespace

static void run(void *data) {
  const Region &region = *static_cast<Region *>(data);
  int32_t number = 0;
  void *const *p = region.shared;
  // A function takes as many of them as it has parameters for.
  region.body(&number, &number, p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]);
}

/// Runs a region, on the threads there are or on one. At its end GCC's runtime
/// asks the system to wake those that wait, even where there is one thread
/// alone: what that one runs need not be a region.
static void start(Region &region, bool hasMany) {
  if (!hasMany && omp_get_num_threads() == 1)
    run(&region);
  else
    GOMP_parallel(run, &region, /*threads=*/hasMany ? 0 : 1, /*flags=*/0);
}

/// Threads that wait look so often whether they may go on, some tens of
/// microseconds long, before they sleep. By default they do so for
/// milliseconds, and wherever other programs want the cores, too, a step waits
/// as long for a thread that does not run. libgomp reads it before main(), but
/// later than this.
__attribute__((constructor(101))) static void limitSpinning() {
  if (!std::getenv("OMP_WAIT_POLICY"))
    setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
}

extern "C" {

void __kmpc_fork_call(void *, int32_t count, Body body, ...) {
  if (count > mostShared) {
    std::fputs("error: a parallel region shares too much\n", stderr);
    std::abort();
  }
  Region region = {body, {}};
  va_list arguments;
  va_start(arguments, body);
  for (int32_t i = 0; i < count; ++i)
    region.shared[i] = va_arg(arguments, void *);
  va_end(arguments);
  start(region, omp_get_max_threads() > 1);
}

void __kmpc_fork_call_if(void *, int32_t, Body body, int32_t condition,
                         void *shared) {
  Region region = {body, {shared}};
  start(region, condition && omp_get_max_threads() > 1);
}

int32_t __kmpc_global_thread_num(void *) { return omp_get_thread_num(); }

void __kmpc_barrier(void *, int32_t) { GOMP_barrier(); }

/// Iterations from `begin` to `last`, dynamically scheduled.
void __kmpc_dispatch_init_8u(void *, int32_t, int32_t, uint64_t begin,
                             uint64_t last, int64_t step, int64_t chunk) {
  loop = {begin, last + 1, static_cast<uint64_t>(step),
          static_cast<uint64_t>(chunk < 1 ? 1 : chunk), /*isStarted=*/false};
}

/// The next chunk of this thread's; 0 if there is none.
int32_t __kmpc_dispatch_next_8u(void *, int32_t, int32_t *isLast,
                                uint64_t *begin, uint64_t *last,
                                int64_t *step) {
  unsigned long long first = 0, end = 0;
  const bool isThere =
      loop.isStarted
          ? GOMP_loop_ull_dynamic_next(&first, &end)
          : GOMP_loop_ull_dynamic_start(/*up=*/true, loop.begin, loop.end,
                                        loop.step, loop.chunk, &first, &end);
  loop.isStarted = true;
  if (!isThere) {
    GOMP_loop_end_nowait();
    return 0;
  }
  *begin = first;
  *last = end - 1;
  *step = static_cast<int64_t>(loop.step);
  *isLast = end == loop.end;
  return 1;
}

/// This thread's share of the iterations from `*begin` to `*last`.
void __kmpc_for_static_init_8(void *, int32_t, int32_t, int32_t *isLast,
                              int64_t *begin, int64_t *last, int64_t *stride,
                              int64_t step, int64_t) {
  const int64_t threads = omp_get_num_threads(), thread = omp_get_thread_num();
  const int64_t count = (*last - *begin) / step + 1;
  const int64_t first = *begin, each = (count + threads - 1) / threads;
  const int64_t mine = thread * each, next = mine + each;
  *stride = count * step;
  *isLast = mine < count && next >= count;
  *begin = first + mine * step;
  *last = first + ((next < count ? next : count) - 1) * step;
}

void __kmpc_for_static_fini(void *, int32_t) {}
}
