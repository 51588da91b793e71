// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A process that is interrupted leaves whole lines.

#ifndef ATTN_TOOLS_ATTN_INTERRUPTS_H
#define ATTN_TOOLS_ATTN_INTERRUPTS_H

#include <mutex>

namespace attn {

/// From now on SIGINT, SIGTERM and SIGHUP end the process only while nobody
/// holds outputLock(), by the signal itself, so that a shell sees 130 and the
/// like. One that is ignored stays so. To be called before any thread starts.
void deferInterrupts();

/// Held while output is written.
std::timed_mutex &outputLock();

/// The signals of deferInterrupts() give standard input, a terminal, the
/// settings back that it has now: who edits lines changes them.
void keepTerminalSettings();

} // namespace attn

#endif // ATTN_TOOLS_ATTN_INTERRUPTS_H
