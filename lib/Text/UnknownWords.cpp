// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Text/UnknownWords.h"

#include "SpaceSign.h"
#include "llvm/ADT/STLExtras.h"
#include <optional>

using namespace llvm;
using namespace attn;

namespace {

class Copier {
public:
  Copier(ArrayRef<Segment> sources, ArrayRef<Segment> targets,
         function_ref<float(size_t, size_t)> weight,
         std::vector<std::string> &pieces)
      : sources(sources), targets(targets), weight(weight), pieces(pieces),
        places(sources.size()) {
    for (size_t target = 0; target < targets.size(); ++target)
      strongest.push_back(strongestOf(target));
  }

  void copyAll();

private:
  int64_t strongestOf(size_t target) const;
  void replace(size_t begin, size_t end, size_t source);
  void replaceUnknownTargets();
  void replaceWords(size_t source);
  void insert(size_t source);

  ArrayRef<Segment> sources, targets;
  function_ref<float(size_t, size_t)> weight;
  std::vector<std::string> &pieces;
  /// The source segment that each target segment has most to do with, or -1.
  SmallVector<int64_t> strongest;
  /// The text that each unknown source segment was written to, or null.
  SmallVector<std::string *> places;
  /// What comes before all pieces.
  std::string front;
};

} // namespace

int64_t Copier::strongestOf(size_t target) const {
  int64_t best = -1;
  for (size_t source = 0; source < sources.size(); ++source)
    if (weight(target, source) > (best < 0 ? 0 : weight(target, best)))
      best = static_cast<int64_t>(source);
  return best;
}

/// Writes a source segment in place of the target segments begin..end-1.
void Copier::replace(size_t begin, size_t end, size_t source) {
  const size_t first = targets[begin].begin;
  const bool hasSpace = StringRef(pieces[first]).starts_with(spaceSign);
  for (size_t piece = first; piece < targets[end - 1].end; ++piece)
    pieces[piece].clear();
  pieces[first] = (hasSpace ? spaceSign : "").str() + sources[source].text;
  places[source] = &pieces[first];
}

void Copier::replaceUnknownTargets() {
  for (size_t begin = 0, end; begin < targets.size(); begin = end) {
    // Several tokens may stand for one word, known ones among them.
    bool isUnknown = targets[begin].isUnknown;
    for (end = begin + 1; end < targets.size() && !targets[end].isAfterSpace &&
                          strongest[end] == strongest[begin];
         ++end)
      isUnknown |= targets[end].isUnknown;
    if (isUnknown && strongest[begin] >= 0)
      replace(begin, end, strongest[begin]);
  }
}

/// Writes a source segment in place of words that were made up for it, if there
/// are any.
void Copier::replaceWords(size_t source) {
  auto isMadeUp = [&](size_t target) {
    return targets[target].isWord &&
           strongest[target] == static_cast<int64_t>(source);
  };
  std::optional<size_t> best;
  for (size_t target = 0; target < targets.size(); ++target)
    if (isMadeUp(target) &&
        (!best || weight(target, source) > weight(*best, source)))
      best = target;
  if (!best)
    return;
  size_t end = *best + 1;
  for (size_t target = end; target < targets.size(); ++target) {
    if (isMadeUp(target))
      end = target + 1;
    else if (targets[target].isWord)
      break;
  }
  replace(*best, end, source);
}

/// Writes a source segment after what is the translation of those before it.
void Copier::insert(size_t source) {
  const Segment &segment = sources[source];
  for (size_t before = source; before-- > 0;) {
    std::string *place = places[before];
    if (!place)
      for (auto [target, from] : enumerate(strongest))
        if (from == static_cast<int64_t>(before))
          place = &pieces[targets[target].end - 1];
    if (!place)
      continue;
    *place += (segment.isAfterSpace ? spaceSign : "").str() + segment.text;
    places[source] = place;
    return;
  }
  front = (spaceSign + segment.text).str();
  places[source] = &front;
}

void Copier::copyAll() {
  if (none_of(sources, [](const Segment &segment) {
        return segment.isWord && !segment.isUnknown;
      })) {
    pieces.assign(1, "");
    for (const Segment &source : sources)
      pieces.front() +=
          (source.isAfterSpace ? spaceSign : "").str() + source.text;
    return;
  }
  replaceUnknownTargets();
  auto isMissing = [&](size_t source) {
    return sources[source].isUnknown && !places[source];
  };
  for (size_t source = 0; source < sources.size(); ++source)
    if (isMissing(source))
      replaceWords(source);
  for (size_t source = 0; source < sources.size(); ++source)
    if (isMissing(source))
      insert(source);
  if (front.empty())
    return;
  if (pieces.empty())
    pieces.emplace_back();
  StringRef first = pieces.front();
  const bool hasSpace = first.empty() || first.starts_with(spaceSign);
  pieces.front() = (front + (hasSpace ? "" : spaceSign) + first).str();
}

void attn::copyUnknown(ArrayRef<Segment> sources, ArrayRef<Segment> targets,
                       function_ref<float(size_t, size_t)> weight,
                       std::vector<std::string> &pieces) {
  Copier(sources, targets, weight, pieces).copyAll();
}
