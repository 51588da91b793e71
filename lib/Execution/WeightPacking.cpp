// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "WeightPacking.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <cstring>

using namespace attn;

/// Calls `visit(source, row in the source, rows)` for each piece of the rows
/// from `begin` to `end` that one source holds.
template <typename Visit>
static void forEachPiece(const WeightJob &job, int64_t begin, int64_t end,
                         Visit visit) {
  for (size_t i = 0; i < job.sources.size(); ++i) {
    int64_t first = std::max(begin, job.firstRows[i]);
    int64_t last = std::min(end, job.firstRows[i + 1]);
    if (first < last)
      visit(job.sources[i], first - job.firstRows[i], last - first);
  }
}

template <typename T> static void copyRows(const WeightTask &task) {
  const WeightJob &job = *task.job;
  T *output = reinterpret_cast<T *>(job.output) + task.begin * job.rowElements;
  forEachPiece(job, task.begin, task.end,
               [&](const WeightSource &source, int64_t row, int64_t rows) {
                 int64_t count = rows * job.rowElements;
                 convert(source, row * job.rowElements, count, output,
                         job.recipe->type);
                 output += count;
               });
}

namespace {

/// Where the elements of a matrix in panels are.
struct PanelLayout {
  explicit PanelLayout(const WeightRecipe &recipe)
      : panel(recipe.panel), group(recipe.group),
        tileDepth(group > 1 ? WeightRecipe::tileRows * group : 1),
        run(group > 1 ? WeightRecipe::tileRows : panel),
        panelElements(panel *
                      int64_t(llvm::alignTo(recipe.depth(), tileDepth))) {}

  /// Writes what get(column) gives for the first `columns` columns of a panel
  /// at `output`, step k of the depth.
  template <typename T, typename Get>
  void write(T *output, int64_t k, int64_t columns, Get get) const {
    output += k / tileDepth * tileDepth * panel;
    if (group > 1)
      output += k % tileDepth / group * tileDepth + k % group;
    // The columns of a tile; a panel that is not in tiles is one run.
    for (int64_t first = 0; first < columns;
         first += run, output += run * tileDepth) {
      int64_t count = std::min(run, columns - first);
      for (int64_t i = 0; i < count; ++i)
        output[i * group] = get(first + i);
    }
  }

  /// Writes whole groups, those of one column of a panel at `output`.
  void writeRow(int8_t *output, int64_t column,
                llvm::ArrayRef<int8_t> groups) const {
    output += column / run * run * tileDepth + column % run * group;
    // From one group to the next, and from the last of a tile to the next one.
    int64_t step = group > 1 ? tileDepth : panel;
    int64_t size = groups.size();
    for (int64_t k = 0; k < size; k += tileDepth, output += tileDepth * panel)
      for (int64_t i = 0; i < std::min(tileDepth, size - k); i += group)
        std::memcpy(output + i / group * step, groups.data() + k + i, group);
  }

  int64_t panel, group;
  /// Steps of the depth in a tile, and columns that are together.
  int64_t tileDepth, run;
  int64_t panelElements;
};

} // namespace

/// Packs the matrix rows of `task` (it begins at a panel) in panels.
template <typename T> static void packRows(const WeightTask &task) {
  constexpr int64_t blockSize = 64;
  const WeightJob &job = *task.job;
  PanelLayout layout(*job.recipe);
  int64_t panel = job.recipe->panel, width = job.rowElements;
  std::vector<T> block(panel * blockSize);
  for (int64_t begin = task.begin; begin < task.end; begin += panel) {
    T *output = reinterpret_cast<T *>(job.output) +
                begin / panel * layout.panelElements;
    int64_t rows = std::min(panel, task.end - begin);
    for (int64_t k = 0; k < width; k += blockSize) {
      // Convert a block of each row, then write it transposed, while it is in
      // the first cache. Rows that do not exist stay as they are: zero.
      int64_t count = std::min(blockSize, width - k);
      T *converted = block.data();
      forEachPiece(
          job, begin, begin + rows,
          [&](const WeightSource &source, int64_t row, int64_t pieceRows) {
            for (int64_t r = 0; r < pieceRows; ++r) {
              convert(source, (row + r) * width + k, count, converted,
                      job.recipe->type);
              converted += blockSize;
            }
          });
      for (int64_t i = 0; i < count; ++i)
        layout.write(output, k + i, rows,
                     [&](int64_t r) { return block[r * blockSize + i]; });
    }
  }
}

/// A row in integers, in panels or as it is.
static void packIntegers(const WeightJob &job, int64_t row, RowReader &reader) {
  PanelLayout layout(*job.recipe);
  int64_t width = job.rowElements, panel = job.recipe->panel;
  // Whole groups, the last one with zeros.
  llvm::ArrayRef<int8_t> integers = reader.integers(layout.group);
  auto *output = reinterpret_cast<int8_t *>(job.output);
  if (panel)
    layout.writeRow(output + row / panel * layout.panelElements, row % panel,
                    integers);
  else
    llvm::copy(integers, output + row * width);
}

/// What a job makes of a row of the matrix that its sources are.
static void makeOfRow(const WeightJob &job, int64_t row, RowReader &reader) {
  auto *output = reinterpret_cast<float *>(job.output);
  auto bound = [&](float number) {
    float &largest = output[row / WeightRecipe::boundedRows];
    largest = std::max(largest, std::isnan(number) ? INFINITY : number);
  };
  switch (job.recipe->measure) {
  case WeightMeasure::None:
    return packIntegers(job, row, reader);
  case WeightMeasure::Scales:
    output[row] = reader.scale();
    return;
  case WeightMeasure::Norms:
    return bound(reader.norm());
  case WeightMeasure::Errors:
    return bound(reader.error());
  }
}

/// Rows in integers and what is told of them.
static void roundRows(const WeightTask &task) {
  const WeightJob &job = *task.job;
  RowReader reader(job.sourceWidth);
  int64_t row = task.begin;
  forEachPiece(job, task.begin, task.end,
               [&](const WeightSource &source, int64_t first, int64_t rows) {
                 for (int64_t r = first; r < first + rows; ++r, ++row) {
                   reader.seek(source, r);
                   makeOfRow(job, row, reader);
                   for (const WeightJob *other : job.alongside)
                     makeOfRow(*other, row, reader);
                 }
               });
}

/// Packs steps of the depth, which are rows of a transposed matrix.
template <typename T> static void packSteps(const WeightTask &task) {
  // So many rows at a time: the pieces of them that a panel takes are adjacent
  // there.
  constexpr int64_t blockSize = 16;
  const WeightJob &job = *task.job;
  PanelLayout layout(*job.recipe);
  int64_t width = job.rowElements;
  std::vector<T> block(width * blockSize);
  for (int64_t begin = task.begin; begin < task.end; begin += blockSize) {
    int64_t rows = std::min(blockSize, task.end - begin);
    T *converted = block.data();
    forEachPiece(
        job, begin, begin + rows,
        [&](const WeightSource &source, int64_t row, int64_t pieceRows) {
          convert(source, row * width, pieceRows * width, converted,
                  job.recipe->type);
          converted += pieceRows * width;
        });
    T *output = reinterpret_cast<T *>(job.output);
    for (int64_t column = 0; column < width;
         column += layout.panel, output += layout.panelElements)
      for (int64_t i = 0; i < rows; ++i) {
        const T *row = block.data() + i * width + column;
        layout.write(output, begin + i, std::min(layout.panel, width - column),
                     [&](int64_t r) { return row[r]; });
      }
  }
}

/// pos / 10000^(2i/D), in double precision as the reference does it; first all
/// sines, then all cosines.
static void computePositions(const WeightTask &task) {
  int64_t width = task.job->rowElements, half = (width + 1) / 2;
  std::vector<double> divisors(half);
  for (int64_t i = 0; i < half; ++i)
    divisors[i] = std::pow(10000.0, 2.0 * i / width);
  for (int64_t pos = task.begin; pos < task.end; ++pos) {
    float *output = reinterpret_cast<float *>(task.job->output) + pos * width;
    for (int64_t i = 0; i < half; ++i) {
      output[i] = std::sin(pos / divisors[i]);
      if (half + i < width)
        output[half + i] = std::cos(pos / divisors[i]);
    }
  }
}

static void packFloats(const WeightTask &task) {
  const WeightJob &job = *task.job;
  bool wide = job.recipe->type == ElementType::F32;
  if (job.recipe->transposed)
    wide ? packSteps<float>(task) : packSteps<uint16_t>(task);
  else if (job.recipe->panel && job.recipe->shape.size() == 2)
    wide ? packRows<float>(task) : packRows<uint16_t>(task);
  else
    wide ? copyRows<float>(task) : copyRows<uint16_t>(task);
}

void attn::make(const WeightTask &task) {
  const WeightJob &job = *task.job;
  if (job.recipe->sinusoidal)
    return computePositions(task);
  if (job.recipe->isOfRoundedRows())
    roundRows(task);
  else
    packFloats(task);
  forEachPiece(job, task.begin, task.end,
               [&](const WeightSource &source, int64_t row, int64_t rows) {
                 Weight piece = source.numbers;
                 size_t rowBytes = job.sourceWidth * sizeInBytes(piece.type);
                 piece.bytes =
                     piece.bytes.slice(row * rowBytes, rows * rowBytes);
                 source.file->release(piece);
               });
}
