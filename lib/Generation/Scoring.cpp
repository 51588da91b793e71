// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loops over the vocabulary are written for the vectoriser: no branches,
// no calls, and reductions whose order `omp simd` leaves free. The compiler
// makes a version of each for several instruction sets and the loader picks
// one. What a thread computes depends on its row alone.

#include "attn/Generation/Scoring.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/Compiler.h"
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

using namespace attn;

#if defined(__x86_64__) && defined(__linux__)
#define ATTN_CLONES                                                            \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define ATTN_CLONES
#endif

static constexpr float minusInfinity = -std::numeric_limits<float>::infinity();

/// e^x for x <= 0, to about 1 ulp; tiny instead of 0 below -87. No conversion
/// to an integer, so that a NaN stays one.
static LLVM_ATTRIBUTE_ALWAYS_INLINE float expNonPositive(float x) {
  constexpr float shifter = 0x1.8p23f;
  x = x < -87.0f ? -87.0f : x;
  // x = n ln 2 + r with |r| <= ln 2 / 2. The sum with the shifter has n in its
  // low bits. ln 2 is subtracted in two parts to keep r exact.
  float shifted = x * 0x1.715476p+0f + shifter;
  float n = shifted - shifter;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  auto bits = llvm::bit_cast<uint32_t>(shifted) << 23;
  return p * llvm::bit_cast<float>(bits + 0x3f800000u);
}

/// Sixteen floats, however many registers they take.
using Lanes [[gnu::vector_size(64), gnu::aligned(alignof(float))]] = float;
constexpr int64_t numLanes = 16;

/// The greatest of `n` values; a NaN is passed over. In explicit lanes, since
/// the vectoriser leaves a maximum alone that has to mind NaNs.
static LLVM_ATTRIBUTE_ALWAYS_INLINE float maximumOf(const float *values,
                                                    int64_t n) {
  float maximum = minusInfinity;
  int64_t i = 0;
  if (n >= numLanes) {
    Lanes lanes = minusInfinity - Lanes{};
    for (; i + numLanes <= n; i += numLanes) {
      Lanes next = *reinterpret_cast<const Lanes *>(values + i);
      lanes = next > lanes ? next : lanes;
    }
    for (int64_t lane = 0; lane < numLanes; ++lane)
      maximum = lanes[lane] > maximum ? lanes[lane] : maximum;
  }
  for (; i < n; ++i)
    maximum = values[i] > maximum ? values[i] : maximum;
  return maximum;
}

ATTN_CLONES
static float blockMaximaOf(const float *logits, int64_t n, float *maxima) {
  float maximum = minusInfinity;
  int64_t full = n / logitBlock;
  for (int64_t block = 0; block < full; ++block) {
    maxima[block] = maximumOf(logits + block * logitBlock, logitBlock);
    maximum = maxima[block] > maximum ? maxima[block] : maximum;
  }
  if (n % logitBlock) {
    maxima[full] = maximumOf(logits + full * logitBlock, n % logitBlock);
    maximum = maxima[full] > maximum ? maxima[full] : maximum;
  }
  return maximum;
}

ATTN_CLONES
static double sumOfExponentials(const float *logits, int64_t n, float maximum) {
  // Short float sums added up in double: exact enough for any vocabulary.
  constexpr int64_t chunk = 512;
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += chunk) {
    int64_t end = begin + chunk < n ? begin + chunk : n;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; ++i)
      sum += expNonPositive(logits[i] - maximum);
    total += sum;
  }
  return total;
}

ATTN_CLONES
static bool hasNaN(const float *values, int64_t n) {
  int32_t found = 0;
#pragma omp simd reduction(| : found)
  for (int64_t i = 0; i < n; ++i)
    found |= values[i] != values[i]; // NOLINT(misc-redundant-expression)
  return found != 0;
}

ATTN_CLONES
static int64_t argMaxOf(const float *values, int64_t n) {
  // The greatest block first, then the place in it: the hot loop keeps no
  // index.
  constexpr int64_t block = 256;
  float maximum = minusInfinity;
  int64_t best = -1;
  for (int64_t begin = 0; begin < n; begin += block) {
    int64_t size = begin + block < n ? block : n - begin;
    float candidate = maximumOf(values + begin, size);
    if (candidate > maximum) {
      maximum = candidate;
      best = begin;
    }
  }
  if (best >= 0)
    while (values[best] != maximum)
      ++best;
  return best;
}

float attn::blockMaxima(llvm::ArrayRef<float> logits,
                        llvm::MutableArrayRef<float> maxima) {
  assert(int64_t(maxima.size()) >= numLogitBlocks(logits.size()));
  return blockMaximaOf(logits.data(), logits.size(), maxima.data());
}

RowNormalizer attn::normalizer(llvm::ArrayRef<float> logits, float maximum) {
  double sum = sumOfExponentials(logits.data(), logits.size(), maximum);
  return {maximum, static_cast<float>(std::log(sum))};
}

int64_t attn::argMax(llvm::ArrayRef<float> logits) {
  if (hasNaN(logits.data(), logits.size()))
    return -1;
  return argMaxOf(logits.data(), logits.size());
}

void attn::topCandidates(llvm::ArrayRef<BeamLogits> beams, int64_t vocabulary,
                         llvm::MutableArrayRef<Candidate> best) {
  const size_t capacity = best.size();
  size_t size = 0;
  // Candidates come by ascending index, so an equal score is never better than
  // what is there: a plain insertion after its equals keeps them in order.
  auto insert = [&](float score, int64_t index) {
    size_t place = size < capacity ? size++ : capacity - 1;
    for (; place > 0 && best[place - 1].score < score; --place)
      best[place] = best[place - 1];
    best[place] = {score, index};
  };
  for (auto [beam, row] : llvm::enumerate(beams)) {
    int64_t offset = beam * vocabulary;
    for (int64_t begin = 0; begin < vocabulary; begin += logitBlock) {
      // Scoring keeps the order of logits, hence this bounds the block.
      float bound =
          row.normalizer(row.blockMaxima[begin / logitBlock]) + row.score;
      if (size == capacity && !(bound > best[capacity - 1].score))
        continue;
      int64_t end = std::min(begin + logitBlock, vocabulary);
      for (int64_t token = begin; token < end; ++token) {
        float score = row.normalizer(row.logits[token]) + row.score;
        if (size < capacity || score > best[capacity - 1].score)
          insert(score, offset + token);
      }
    }
  }
  assert(size == capacity && "fewer candidates than asked for");
}
