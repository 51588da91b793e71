// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Interrupts.h"

#include "llvm/Support/Signals.h"
#include "llvm/Support/thread.h"
#include <atomic>
#include <chrono>
#include <csignal>
#include <termios.h>
#include <unistd.h>

using namespace attn;

/// How long a write may go on: one to a pipe that nobody reads never ends.
static constexpr std::chrono::seconds patience(2);

std::timed_mutex &attn::outputLock() {
  static std::timed_mutex lock;
  return lock;
}

/// To be given back to standard input.
static std::atomic<const termios *> terminalSettings{nullptr};

void attn::keepTerminalSettings() {
  static termios settings;
  if (tcgetattr(STDIN_FILENO, &settings) == 0)
    terminalSettings = &settings;
}

/// Not a handler, in which next to nothing is allowed: a thread that waits.
static void waitForSignal(sigset_t signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  // Never given back: what comes after the signal is not written.
  (void)outputLock().try_lock_for(patience);
  // Removes temporary files.
  llvm::sys::RunInterruptHandlers();
  if (const termios *settings = terminalSettings)
    (void)tcsetattr(STDIN_FILENO, TCSANOW, settings);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

void attn::deferInterrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  bool isEmpty = true;
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) == 0 &&
        action.sa_handler == SIG_IGN)
      continue;
    sigaddset(&signals, signal);
    isEmpty = false;
  }
  if (isEmpty)
    return;
  // Threads inherit it: so the one that waits gets every signal.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  llvm::thread(waitForSignal, signals).detach();
}
