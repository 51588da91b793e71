// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef ATTN_TOOLS_LIBATTN_DECODERPOOL_H
#define ATTN_TOOLS_LIBATTN_DECODERPOOL_H

#include "attn/Generation/CompiledDecoder.h"
#include <condition_variable>
#include <mutex>

namespace attn {

/// The decoders of a model, which calls share.
class DecoderPool {
public:
  explicit DecoderPool(
      llvm::ArrayRef<std::unique_ptr<CompiledDecoder>> decoders) {
    for (const auto &decoder : decoders)
      free.push_back(decoder.get());
  }

  /// Some of them, until this is gone.
  class Loan {
  public:
    /// Waits for one, and takes others if they are free: at most `most`. Takes
    /// none if it `asksToStop`, now and then, and is told so.
    Loan(DecoderPool &pool, size_t most, llvm::function_ref<bool()> asksToStop)
        : pool(pool) {
      std::unique_lock<std::mutex> lock(pool.mutex);
      while (!pool.changed.wait_for(lock, std::chrono::milliseconds(100),
                                    [&] { return !pool.free.empty(); })) {
        lock.unlock();
        if (asksToStop && asksToStop())
          return;
        lock.lock();
      }
      for (; decoders.size() < most && !pool.free.empty(); pool.free.pop_back())
        decoders.push_back(pool.free.back());
    }
    ~Loan() {
      {
        std::lock_guard<std::mutex> lock(pool.mutex);
        llvm::append_range(pool.free, decoders);
      }
      // Each may be for someone else.
      for (size_t i = 0; i < decoders.size(); ++i)
        pool.changed.notify_one();
    }
    Loan(const Loan &) = delete;
    Loan &operator=(const Loan &) = delete;

    llvm::ArrayRef<DecoderModel *> get() const { return decoders; }

  private:
    DecoderPool &pool;
    llvm::SmallVector<DecoderModel *> decoders;
  };

private:
  std::mutex mutex;
  std::condition_variable changed;
  llvm::SmallVector<DecoderModel *> free;
};

} // namespace attn

#endif // ATTN_TOOLS_LIBATTN_DECODERPOOL_H
