// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/WeightsStore.h"
#include "WeightNumbers.h"
#include "attn/Weights/WeightsFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/ThreadPool.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <tuple>

using namespace attn;

/// A smaller tensor is copied even if it could stay in the file: so it is
/// aligned, and does not keep pages of its neighbours in memory.
static constexpr size_t smallestInFile = 64 << 10;

/// Bytes of packed weights made at a time: what a thread takes as one task and
/// after which it gives back the pages that it has read.
static constexpr int64_t bytesPerTask = 1 << 20;

namespace {

/// One recipe with all that it needs resolved. Rows are indices of dimension 0.
struct Job {
  const WeightRecipe *recipe = nullptr;
  std::vector<WeightSource> sources;
  /// The first row of each source, and the number of rows at the end.
  std::vector<int64_t> firstRows;
  int64_t rowElements = 1;
  /// Numbers of a row of the sources: of what is measured more than one.
  int64_t sourceWidth = 1;
  char *output = nullptr;
  /// The first job that makes the same.
  size_t first = 0;
};

struct Task {
  const Job *job;
  int64_t begin, end;
};

} // namespace

/// Calls `visit(source, row in the source, rows)` for each piece of the rows
/// from `begin` to `end` that one source holds.
template <typename Visit>
static void forEachPiece(const Job &job, int64_t begin, int64_t end,
                         Visit visit) {
  for (size_t i = 0; i < job.sources.size(); ++i) {
    int64_t first = std::max(begin, job.firstRows[i]);
    int64_t last = std::min(end, job.firstRows[i + 1]);
    if (first < last)
      visit(job.sources[i], first - job.firstRows[i], last - first);
  }
}

template <typename T> static void copyRows(const Task &task) {
  const Job &job = *task.job;
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
template <typename T> static void packRows(const Task &task) {
  constexpr int64_t blockSize = 64;
  const Job &job = *task.job;
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

/// What is told of rows of the matrix that the sources are.
static void measureRows(const Task &task) {
  const Job &job = *task.job;
  auto *output = reinterpret_cast<float *>(job.output) + task.begin;
  RowReader reader(job.sourceWidth);
  auto measure = [&](const WeightSource &source, int64_t row) {
    switch (job.recipe->measure) {
    case WeightMeasure::Norms:
      return reader.norm(source, row);
    case WeightMeasure::Errors:
      return reader.error(source, row);
    default:
      return reader.scale(source, row);
    }
  };
  forEachPiece(job, task.begin, task.end,
               [&](const WeightSource &source, int64_t first, int64_t rows) {
                 for (int64_t row = first; row < first + rows; ++row)
                   *output++ = measure(source, row);
               });
}

/// Rows of i8, in panels or as they are; of a file that has i8, copied.
static void packIntegers(const Task &task) {
  const Job &job = *task.job;
  PanelLayout layout(*job.recipe);
  int64_t width = job.rowElements, panel = job.recipe->panel;
  auto *output = reinterpret_cast<int8_t *>(job.output);
  RowReader reader(width);
  // Whole groups, the last one with zeros.
  std::vector<int8_t> integers(llvm::alignTo(width, layout.group), 0);
  int64_t row = task.begin;
  forEachPiece(
      job, task.begin, task.end,
      [&](const WeightSource &source, int64_t first, int64_t rows) {
        for (int64_t r = first; r < first + rows; ++r, ++row) {
          reader.round(source, r,
                       llvm::MutableArrayRef(integers).take_front(width));
          if (panel)
            layout.writeRow(output + row / panel * layout.panelElements,
                            row % panel, integers);
          else
            llvm::copy(llvm::ArrayRef(integers).take_front(width),
                       output + row * width);
        }
      });
}

/// Packs steps of the depth, which are rows of a transposed matrix.
template <typename T> static void packSteps(const Task &task) {
  // So many rows at a time: the pieces of them that a panel takes are adjacent
  // there.
  constexpr int64_t blockSize = 16;
  const Job &job = *task.job;
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
static void computePositions(const Task &task) {
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

static void packFloats(const Task &task) {
  const Job &job = *task.job;
  bool wide = job.recipe->type == ElementType::F32;
  if (job.recipe->transposed)
    wide ? packSteps<float>(task) : packSteps<uint16_t>(task);
  else if (job.recipe->panel && job.recipe->shape.size() == 2)
    wide ? packRows<float>(task) : packRows<uint16_t>(task);
  else
    wide ? copyRows<float>(task) : copyRows<uint16_t>(task);
}

static void run(const Task &task, const WeightsFile *file) {
  const Job &job = *task.job;
  if (job.recipe->sinusoidal)
    return computePositions(task);
  if (job.recipe->measure != WeightMeasure::None)
    measureRows(task);
  else if (job.recipe->type == ElementType::I8)
    packIntegers(task);
  else
    packFloats(task);
  forEachPiece(job, task.begin, task.end,
               [&](const WeightSource &source, int64_t row, int64_t rows) {
                 Weight piece = source.numbers;
                 size_t rowBytes = job.sourceWidth * sizeInBytes(piece.type);
                 piece.bytes =
                     piece.bytes.slice(row * rowBytes, rows * rowBytes);
                 file->release(piece);
               });
}

/// Whether a weight of `type` can be made from elements of `source`.
static bool isConvertible(WeightType source, ElementType type) {
  switch (type) {
  case ElementType::F32:
  case ElementType::BF16:
  case ElementType::I8:
    return source == WeightType::I8 || source == WeightType::F32 ||
           source == WeightType::F16 || source == WeightType::BF16;
  case ElementType::F16:
    return source == WeightType::F16;
  default:
    return false;
  }
}

/// The scales of the rows of a tensor of I8, where `recipe` asks for what the
/// integers stand for; nothing of another.
static llvm::Expected<Weight> findScales(const WeightsFile &file,
                                         llvm::StringRef name,
                                         const Weight &weight,
                                         const WeightRecipe &recipe) {
  if (weight.type != WeightType::I8 || recipe.type == ElementType::I8)
    return Weight{weight.type, {}, {}};
  llvm::Expected<Weight> scales = file.find(scaleNameOf(name));
  if (!scales)
    return scales.takeError();
  if (weight.shape.size() < 2 || scales->type != WeightType::F32 ||
      scales->numElements() * weight.shape.back() != weight.numElements())
    return llvm::createStringError(
        file.path() + ": tensor '" + scaleNameOf(name) +
        "': expected F32, a number for each row of '" + name + "'");
  return *scales;
}

/// Finds and checks the sources of `job.recipe`.
static llvm::Error resolveSources(const WeightsFile &file, Job &job) {
  const WeightRecipe &recipe = *job.recipe;
  llvm::ArrayRef<int64_t> shape = recipe.shape;
  auto fail = [&](llvm::StringRef source, const llvm::Twine &what) {
    return llvm::createStringError(file.path() + ": tensor '" + source +
                                   "' of weight '" + recipe.name +
                                   "': " + what);
  };
  int64_t rows = 0;
  for (llvm::StringRef name : recipe.sources) {
    llvm::Expected<Weight> weight = file.find(name);
    if (!weight)
      return weight.takeError();
    if (!isConvertible(weight->type, recipe.type))
      return fail(name, "expected an element type that converts to " +
                            stringify(recipe.type) + ", got " +
                            nameOf(weight->type));
    // Leading dimensions of size 1 do not count.
    llvm::SmallVector<int64_t, 4> own(weight->shape);
    while (own.size() > shape.size() && own.front() == 1)
      own.erase(own.begin());
    if (recipe.measure != WeightMeasure::None) {
      // Of the rows of a matrix, one of which may be all there is.
      if (own.size() < 2)
        own.insert(own.begin(), 2 - own.size(), 1);
      if (!job.sources.empty() && own.back() != job.sourceWidth)
        return fail(name, "expected rows of " + llvm::Twine(job.sourceWidth) +
                              " numbers, got " + llvm::Twine(own.back()));
      job.sourceWidth = own.back();
      own.pop_back();
    }
    own.insert(own.begin(), shape.size() - std::min(shape.size(), own.size()),
               1);
    if (own.size() != shape.size() || shape.empty() ||
        llvm::ArrayRef(own).drop_front() != shape.drop_front()) {
      llvm::SmallVector<int64_t, 4> wanted(shape);
      if (recipe.sources.size() > 1 && !wanted.empty())
        wanted[0] = -1;
      return fail(name,
                  "expected " + describe(recipe.type, wanted) + ", got " +
                      nameOf(weight->type) +
                      llvm::StringRef(describe(recipe.type, weight->shape))
                          .drop_front(stringify(recipe.type).size()));
    }
    job.firstRows.push_back(rows);
    rows += own.front();
    llvm::Expected<Weight> scales = findScales(file, name, *weight, recipe);
    if (!scales)
      return scales.takeError();
    job.sources.push_back({*weight, *scales});
  }
  job.firstRows.push_back(rows);
  if (rows != shape.front())
    return fail(recipe.sources.back(),
                "expected " + llvm::Twine(shape.front()) +
                    " rows in all, got " + llvm::Twine(rows));
  return llvm::Error::success();
}

static bool staysInFile(const Job &job) {
  const WeightRecipe &recipe = *job.recipe;
  return recipe.type == ElementType::F32 && !recipe.panel &&
         recipe.measure == WeightMeasure::None && job.sources.size() == 1 &&
         job.sources[0].numbers.type == WeightType::F32 &&
         job.sources[0].numbers.bytes.size() >= smallestInFile &&
         llvm::isAddrAligned(llvm::Align(4),
                             job.sources[0].numbers.bytes.data());
}

/// What decides the bytes of a weight: those that have the same share memory,
/// such as an embedding and the output's weight.
static auto contentOf(const WeightRecipe &recipe) {
  return std::tie(recipe.sources, recipe.sinusoidal, recipe.measure,
                  recipe.type, recipe.shape, recipe.panel, recipe.transposed,
                  recipe.group);
}

WeightsStore::WeightsStore() = default;
WeightsStore::~WeightsStore() = default;

llvm::Expected<std::unique_ptr<WeightsStore>>
WeightsStore::create(llvm::StringRef path, llvm::ArrayRef<WeightRecipe> recipes,
                     unsigned threads) {
  std::unique_ptr<WeightsStore> store(new WeightsStore);
  if (llvm::any_of(recipes,
                   [](const WeightRecipe &r) { return !r.sinusoidal; })) {
    if (path.empty())
      return llvm::createStringError(
          "the functions need weights but no file is given; hint: --weights "
          "FILE names one, or the module attribute attn.weights_file");
    llvm::Expected<std::unique_ptr<WeightsFile>> file = WeightsFile::open(path);
    if (!file)
      return file.takeError();
    store->file = std::move(*file);
  }

  std::vector<Job> jobs(recipes.size());
  std::map<decltype(contentOf(recipes[0])), size_t> firstOf;
  size_t arenaBytes = 0;
  for (auto [index, job, recipe] : llvm::enumerate(jobs, recipes)) {
    job.recipe = &recipe;
    job.first = firstOf.try_emplace(contentOf(recipe), index).first->second;
    if (job.first != index)
      continue;
    for (int64_t size : llvm::ArrayRef(recipe.shape).drop_front())
      job.rowElements *= size;
    job.sourceWidth = job.rowElements;
    if (!recipe.sinusoidal)
      if (llvm::Error error = resolveSources(*store->file, job))
        return std::move(error);
    if (!staysInFile(job))
      arenaBytes += llvm::alignTo(
          recipe.storedElements() * byteWidth(recipe.type), Tensor::alignment);
  }

  std::error_code code;
  store->arena =
      llvm::sys::OwningMemoryBlock(llvm::sys::Memory::allocateMappedMemory(
          std::max<size_t>(arenaBytes, 1), nullptr,
          llvm::sys::Memory::MF_READ | llvm::sys::Memory::MF_WRITE, code));
  if (code)
    return llvm::createStringError("not enough memory for " +
                                   llvm::Twine(arenaBytes) +
                                   " bytes of weights: " + code.message());
  // All weights are read for every token: large pages save address look-ups.
  char *next = static_cast<char *>(store->arena.base());
  madvise(next, arenaBytes, MADV_HUGEPAGE);

  std::vector<Task> tasks;
  for (Job &job : jobs) {
    const WeightRecipe &recipe = *job.recipe;
    if (job.first != store->table.size()) {
      store->table.push_back(store->table[job.first]);
      continue;
    }
    if (staysInFile(job)) {
      // Compiled code never writes to weights.
      store->table.push_back(
          const_cast<uint8_t *>(job.sources[0].numbers.bytes.data()));
      store->inFile.push_back(job.sources[0].numbers);
      continue;
    }
    job.output = next;
    store->table.push_back(next);
    next += llvm::alignTo(recipe.storedElements() * byteWidth(recipe.type),
                          Tensor::alignment);
    int64_t rowBytes = job.sourceWidth * byteWidth(recipe.type);
    int64_t step =
        std::max<int64_t>(1, bytesPerTask / std::max<int64_t>(rowBytes, 1));
    // Whole panels, or what of the depth is in a tile.
    step = llvm::alignTo(step, recipe.transposed
                                   ? WeightRecipe::tileRows * recipe.group
                                   : std::max<int64_t>(recipe.panel, 1));
    for (int64_t row = 0, end = recipe.shape[0]; row < end; row += step)
      tasks.push_back({&job, row, std::min(row + step, end)});
  }

  // Tasks are taken in the order of the table, so that all threads read
  // neighbouring parts of the file.
  std::atomic<size_t> nextTask = 0;
  auto work = [&] {
    for (size_t i; (i = nextTask++) < tasks.size();)
      run(tasks[i], store->file.get());
  };
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (unsigned i = 1; i < pool.getMaxConcurrency(); ++i)
    pool.async(work);
  work();
  pool.wait();

  // Pages at the borders of tasks, and those that reading ahead brought in.
  for (const Job &job : jobs)
    if (job.output)
      for (const WeightSource &source : job.sources)
        store->file->release(source.numbers);
  return std::move(store);
}

void WeightsStore::releaseFilePages() const {
  for (const Weight &weight : inFile)
    file->release(weight);
}
