// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ProgressBar.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>
#include <cmath>

using namespace llvm;
using namespace attn;

static constexpr std::chrono::milliseconds interval(200);

/// To the beginning of the line, and erase to its end (ECMA-48).
static constexpr StringLiteral clearLine = "\r\x1b[K";

static std::string describeTime(double seconds) {
  auto rounded = static_cast<int64_t>(std::ceil(seconds));
  if (rounded >= 3600)
    return formatv("{0}:{1,0+2}:{2,0+2}", rounded / 3600, rounded / 60 % 60,
                   rounded % 60);
  return formatv("{0}:{1,0+2}", rounded / 60, rounded % 60);
}

std::string attn::describe(const Progress &progress, double seconds) {
  constexpr size_t width = 20;
  const double rate =
      seconds > 0 ? static_cast<double>(progress.linesDone) / seconds : 0;
  std::string text = formatv("{0:N} lines  {1:f0}/s", progress.linesDone, rate);
  if (progress.bytes == 0 || progress.bytesRead == 0 || progress.linesRead == 0)
    return text;
  const double lines = static_cast<double>(progress.linesRead) *
                       static_cast<double>(progress.bytes) /
                       static_cast<double>(progress.bytesRead);
  const double share =
      std::clamp(static_cast<double>(progress.linesDone) / lines, 0.0, 1.0);
  const auto filled = static_cast<size_t>(share * width);
  text += formatv("  {0,3}% [{1}{2}]", static_cast<int>(share * 100),
                  std::string(filled, '='), std::string(width - filled, ' '));
  if (share > 0)
    text += "  " + describeTime(seconds * (1 - share) / share) + " left";
  return text;
}

ProgressBar::ProgressBar(bool isWanted)
    : isShown(isWanted && sys::Process::StandardErrIsDisplayed()) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::clear() {
  if (isThere)
    errs() << clearLine;
  isThere = false;
}

void ProgressBar::update(const Progress &progress) {
  const Clock::time_point now = Clock::now();
  if (!isShown || now - last < interval)
    return;
  last = now;
  const std::chrono::duration<double> seconds = now - start;
  // One write, so that nothing comes between.
  errs() << (clearLine + describe(progress, seconds.count())).str();
  isThere = true;
}

void ProgressBar::print(const Twine &line) {
  clear();
  errs() << (line + "\n").str();
}
