// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measures what this machine can do at most, for bench/kernels.py:
//     cc -O2 -march=native -mprefer-vector-width=512 peak.c -lpthread &&
//     ./a.out 2
// prints one line of JSON: fused multiply-adds in f32, and products in bf16 and
// of 8-bit integers (billions of operations per second, an addition and a
// multiplication are two), and reading of 1 GiB and of 8 MiB, over and over
// (billions of bytes per second). Nothing here is called by attn.
#define _GNU_SOURCE
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { REPEATS = 12 };
// Of 32 registers, or of 16; more than latency times issue width either way.
#if defined(__AVX512F__)
typedef __m512 Vector;
#define FMA _mm512_fmadd_ps
#define SET _mm512_set1_ps
#define LANES 16
#define CHAINS 24
#elif defined(__FMA__)
typedef __m256 Vector;
#define FMA _mm256_fmadd_ps
#define SET _mm256_set1_ps
#define LANES 8
#define CHAINS 12
#else
typedef __m128 Vector;
#define FMA(A, B, C) _mm_add_ps(_mm_mul_ps(A, B), C)
#define SET _mm_set1_ps
#define LANES 4
#define CHAINS 12
#endif

typedef struct {
  const char *data; // of this thread
  size_t bytes;
  long steps;
} Work;

// Sums that wait for nothing but themselves. Each job returns what it did, so
// that nothing is removed as unused.
#define MULTIPLY_CHAINS(SUM, FACTOR, VALUE, PRODUCT)                           \
  SUM sums[CHAINS];                                                            \
  FACTOR a = VALUE, b = VALUE;                                                 \
  for (int c = 0; c < CHAINS; ++c)                                             \
    sums[c] = (SUM){c};                                                        \
  for (long i = 0; i < work->steps; ++i) {                                     \
    _Pragma("GCC unroll 32") for (int c = 0; c < CHAINS; ++c) sums[c] =        \
        PRODUCT(sums[c], a, b);                                                \
    __asm__ volatile("" : "+x"(a), "+x"(b));                                   \
  }                                                                            \
  for (int c = 1; c < CHAINS; ++c)                                             \
    sums[0] += sums[c];                                                        \
  return (double)sums[0][0];

static double fma_chains(const Work *work){
    MULTIPLY_CHAINS(Vector, Vector, SET(0.5f), FMA)}
#define FMA_FLOPS (2.0 * LANES * CHAINS)

#if defined(__AMX_BF16__) && defined(__AMX_INT8__)
// Four sums of 16x16, from two tiles of A and two of B.
#define MULTIPLY_TILES(PRODUCT)                                                \
  static const uint16_t zeros[512] __attribute__((aligned(64)));               \
  struct {                                                                     \
    uint8_t palette, start, reserved[14];                                      \
    uint16_t columns[16];                                                      \
    uint8_t rows[16];                                                          \
  } config __attribute__((aligned(64))) = {.palette = 1};                      \
  for (int tile = 0; tile < 8; ++tile) {                                       \
    config.columns[tile] = 64;                                                 \
    config.rows[tile] = 16;                                                    \
  }                                                                            \
  _tile_loadconfig(&config);                                                   \
  _tile_zero(0);                                                               \
  _tile_zero(1);                                                               \
  _tile_zero(2);                                                               \
  _tile_zero(3);                                                               \
  _tile_loadd(4, zeros, 64);                                                   \
  _tile_loadd(5, zeros, 64);                                                   \
  _tile_loadd(6, zeros, 64);                                                   \
  _tile_loadd(7, zeros, 64);                                                   \
  for (long i = 0; i < work->steps; ++i) {                                     \
    PRODUCT(0, 4, 6);                                                          \
    PRODUCT(1, 4, 7);                                                          \
    PRODUCT(2, 5, 6);                                                          \
    PRODUCT(3, 5, 7);                                                          \
  }                                                                            \
  float out[256];                                                              \
  _tile_stored(0, out, 64);                                                    \
  _tile_release();                                                             \
  return (double)out[0];
static double bf16_products(const Work *work) {
  MULTIPLY_TILES(_tile_dpbf16ps)
}
static double int8_products(const Work *work){MULTIPLY_TILES(_tile_dpbssd)}
#define BF16_FLOPS (4 * 2.0 * 16 * 16 * 32)
#define INT8_FLOPS (4 * 2.0 * 16 * 16 * 64)
// Linux gives a process tiles when it asks; false if there are none.
static int tiles_allowed(void) {
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
#else
static int tiles_allowed(void) {
  return 1;
} // None are used.

#if defined(__AVX512BF16__)
static double bf16_products(const Work *work){
    MULTIPLY_CHAINS(__m512, __m512bh, (__m512bh)_mm512_set1_epi16(0x3f00),
                    _mm512_dpbf16_ps)}
#define BF16_FLOPS (4.0 * 16 * CHAINS)
#else // There is nothing faster than f32.
#define bf16_products fma_chains
#define BF16_FLOPS FMA_FLOPS
#endif

#if defined(__AVX512VNNI__)
typedef __m512i Integers;
#define DOT _mm512_dpbusd_epi32
#elif defined(__AVXVNNI__)
typedef __m256i Integers;
#define DOT _mm256_dpbusd_avx_epi32
#elif defined(__AVX2__)
// Two products of i16. To the compiler, each has another factor.
typedef __m256i Integers;
#define DOT(SUM, A, B)                                                         \
  ({                                                                           \
    __asm__ volatile("" : "+x"(A));                                            \
    _mm256_add_epi32(SUM, _mm256_madd_epi16(A, B));                            \
  })
#define INT8_FLOPS (1.0 * sizeof(Integers) * CHAINS)
#endif
#ifdef DOT
static double int8_products(const Work *work){
    MULTIPLY_CHAINS(Integers, Integers, (Integers){0}, DOT)}
#ifndef INT8_FLOPS
#define INT8_FLOPS (2.0 * sizeof(Integers) * CHAINS)
#endif
#else
#define int8_products fma_chains
#define INT8_FLOPS FMA_FLOPS
#endif
#endif

static double read_all(const Work *work) {
  Vector sums[8];
  for (int c = 0; c < 8; ++c)
    sums[c] = SET(0);
  for (long i = 0; i < work->steps; ++i)
    for (size_t at = 0; at < work->bytes; at += sizeof sums)
#pragma GCC unroll 8
      for (int c = 0; c < 8; ++c)
        sums[c] += *(const Vector *)(work->data + at + c * sizeof(Vector));
  for (int c = 1; c < 8; ++c)
    sums[0] += sums[c];
  return (double)((float *)sums)[0];
}

static pthread_barrier_t barrier;
static volatile double sink;
typedef double Job(const Work *);
typedef struct {
  Job *job;
  Work work;
} Thread;

static void *run(void *argument) {
  const Thread *thread = argument;
  for (int i = 0; i < REPEATS; ++i) {
    pthread_barrier_wait(&barrier);
    sink = thread->job(&thread->work);
    pthread_barrier_wait(&barrier);
  }
  return NULL;
}

/// The shortest time in seconds in which all `threads` did their part.
static double measure(Job *job, int threads, long steps, const char *data,
                      size_t bytes) {
  pthread_t ids[threads];
  Thread jobs[threads];
  size_t part = bytes / (size_t)threads / 512 * 512;
  pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
  for (int t = 0; t < threads; ++t) {
    jobs[t] = (Thread){job, {data + part * (size_t)t, part, steps}};
    if (pthread_create(&ids[t], NULL, run, &jobs[t]))
      abort();
  }
  double least = 1e9;
  for (int i = 0; i < REPEATS; ++i) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) +
                     (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    if (seconds < least)
      least = seconds;
  }
  for (int t = 0; t < threads; ++t)
    pthread_join(ids[t], NULL);
  pthread_barrier_destroy(&barrier);
  return least;
}

static double gigaflops(Job *job, int threads, double flops) {
  const long steps = 1000000;
  double seconds = measure(job, threads, steps, NULL, 0);
  return flops * (double)steps * threads / seconds * 1e-9;
}

static double gigabytes(const char *data, size_t bytes, int threads) {
  long steps = (long)((1ul << 30) / bytes);
  double seconds = measure(read_all, threads, steps, data, bytes);
  return (double)bytes * (double)steps / seconds * 1e-9;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  size_t bytes = 1ul << 30;
  char *data = aligned_alloc(4096, bytes);
  if (threads < 1 || !data)
    return 1;
  for (size_t i = 0; i < bytes; ++i)
    data[i] = 0;
  Job *bf16 = fma_chains, *int8 = fma_chains;
  double bf16_flops = FMA_FLOPS, int8_flops = FMA_FLOPS;
  if (tiles_allowed()) {
    bf16 = bf16_products, bf16_flops = BF16_FLOPS;
    int8 = int8_products, int8_flops = INT8_FLOPS;
  }
  printf("{\"lanes\": %d, \"threads\": %d, ", LANES, threads);
  printf("\"f32_one\": %.1f, \"f32\": %.1f, ",
         gigaflops(fma_chains, 1, FMA_FLOPS),
         gigaflops(fma_chains, threads, FMA_FLOPS));
  printf("\"bf16_one\": %.1f, \"bf16\": %.1f, ", gigaflops(bf16, 1, bf16_flops),
         gigaflops(bf16, threads, bf16_flops));
  printf("\"int8_one\": %.1f, \"int8\": %.1f, ", gigaflops(int8, 1, int8_flops),
         gigaflops(int8, threads, int8_flops));
  printf("\"memory\": %.1f, \"cache\": %.1f}\n",
         gigabytes(data, bytes, threads), gigabytes(data, 8ul << 20, threads));
  free(data);
  return 0;
}
