// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "attn/Execution/WeightsStore.h"
#include "WeightPacking.h"
#include "attn/Weights/Messages.h"
#include "attn/Weights/WeightsFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/ThreadPool.h"

#include <atomic>
#include <map>
#include <numeric>
#include <sys/mman.h>
#include <tuple>

using namespace attn;

/// A smaller tensor is copied even if it could stay in the file: so it is
/// aligned, and does not keep pages of its neighbours in memory.
static constexpr size_t smallestInFile = 64 << 10;

/// Bytes of packed weights made at a time: what a thread takes as one task and
/// after which it gives back the pages that it has read.
static constexpr int64_t bytesPerTask = 1 << 20;

/// Whether a weight of `type` can be made from elements of `source`.
static bool isConvertible(WeightType source, ElementType type) {
  switch (type) {
  case ElementType::I8:
    if (source == WeightType::U8)
      return true;
    [[fallthrough]];
  case ElementType::F32:
  case ElementType::BF16:
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

/// Finds and checks the sources of `job.recipe`, the first of `constants` that
/// has the name, or else of `file`.
static llvm::Error resolveSources(const ModuleConstants &constants,
                                  const WeightsFile *file, WeightJob &job) {
  const WeightRecipe &recipe = *job.recipe;
  llvm::ArrayRef<int64_t> shape = recipe.shape;
  auto fileOf = [&](llvm::StringRef source) -> const WeightsFile & {
    return constants.contains(source) ? constants : *file;
  };
  auto fail = [&](llvm::StringRef source, const llvm::Twine &what) {
    return llvm::createStringError(fileOf(source).path() + ": tensor '" +
                                   source + "' of weight '" + recipe.name +
                                   "': " + what);
  };
  int64_t rows = 0;
  for (llvm::StringRef name : recipe.sources) {
    const WeightsFile &file = fileOf(name);
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
    job.sources.push_back({*weight, *scales, &file});
  }
  job.firstRows.push_back(rows);
  int64_t each = recipe.rowsOfElement();
  if (llvm::divideCeil(rows, each) != static_cast<uint64_t>(shape.front()))
    return fail(recipe.sources.back(),
                "expected " + llvm::Twine(shape.front()) +
                    (each > 1 ? " times " + llvm::Twine(each) : "") +
                    " rows in all, got " + llvm::Twine(rows));
  return llvm::Error::success();
}

bool WeightsStore::staysInFile(const WeightJob &job) const {
  const WeightRecipe &recipe = *job.recipe;
  if (recipe.panel || recipe.measure != WeightMeasure::None ||
      job.sources.size() != 1 || job.sources[0].file != file.get())
    return false;
  const Weight &numbers = job.sources[0].numbers;
  bool isSame =
      recipe.type == ElementType::I8
          ? isOfBytes(numbers.type)
          : recipe.type == ElementType::F32 && numbers.type == WeightType::F32;
  return isSame && numbers.bytes.size() >= smallestInFile &&
         llvm::isAddrAligned(llvm::Align(byteWidth(recipe.type)),
                             numbers.bytes.data());
}

/// What decides the bytes of a weight: those that have the same share memory,
/// such as an embedding and the output's weight.
static auto contentOf(const WeightRecipe &recipe) {
  return std::tie(recipe.sources, recipe.sinusoidal, recipe.measure,
                  recipe.type, recipe.shape, recipe.panel, recipe.transposed,
                  recipe.group);
}

/// Adds the tasks of a job.
static void addTasks(const WeightJob &job, std::vector<WeightTask> &tasks) {
  const WeightRecipe &recipe = *job.recipe;
  int64_t rowBytes = job.sourceWidth * byteWidth(recipe.type);
  int64_t step =
      std::max<int64_t>(1, bytesPerTask / std::max<int64_t>(rowBytes, 1));
  // Whole panels, what of the depth is in a tile, or rows that are bounded
  // together.
  int64_t unit = std::max<int64_t>(recipe.panel, 1), end = recipe.shape[0];
  if (recipe.transposed)
    unit = WeightRecipe::tileRows * recipe.group;
  if (recipe.isOfRoundedRows()) {
    unit = std::lcm(unit, WeightRecipe::boundedRows);
    end = job.firstRows.back();
  }
  step = llvm::alignTo(step, unit);
  for (int64_t row = 0; row < end; row += step)
    tasks.push_back({&job, row, std::min(row + step, end)});
}

/// The tasks of all jobs. Jobs of the same rows as they become i8 go along with
/// the first of those that measure them: it knows the scales, which a file of
/// integers has.
static std::vector<WeightTask>
planTasks(llvm::MutableArrayRef<WeightJob> jobs) {
  std::map<std::vector<std::string>, WeightJob *> measuring;
  for (WeightJob &job : jobs)
    if (job.output && job.recipe->measure != WeightMeasure::None)
      measuring.try_emplace(job.recipe->sources, &job);
  std::vector<WeightTask> tasks;
  for (WeightJob &job : jobs) {
    if (!job.output)
      continue;
    auto found = job.recipe->isOfRoundedRows()
                     ? measuring.find(job.recipe->sources)
                     : measuring.end();
    if (found == measuring.end() || found->second == &job)
      addTasks(job, tasks);
    else
      found->second->alongside.push_back(&job);
  }
  return tasks;
}

/// Resolves all recipes; of those that make the same, the first.
static llvm::Expected<std::vector<WeightJob>>
resolveJobs(llvm::ArrayRef<WeightRecipe> recipes,
            const ModuleConstants &constants, const WeightsFile *file) {
  std::vector<WeightJob> jobs(recipes.size());
  std::map<decltype(contentOf(recipes[0])), size_t> firstOf;
  for (auto [index, job, recipe] : llvm::enumerate(jobs, recipes)) {
    job.recipe = &recipe;
    job.first = firstOf.try_emplace(contentOf(recipe), index).first->second;
    if (job.first != index)
      continue;
    for (int64_t size : llvm::ArrayRef(recipe.shape).drop_front())
      job.rowElements *= size;
    job.sourceWidth = job.rowElements;
    if (!recipe.sinusoidal)
      if (llvm::Error error = resolveSources(constants, file, job))
        return std::move(error);
  }
  return jobs;
}

/// Runs the tasks, which threads take in the order of the table, so that all of
/// them read neighbouring parts of the file.
static void run(llvm::ArrayRef<WeightTask> tasks, unsigned threads) {
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < tasks.size();)
      make(tasks[i]);
  };
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (unsigned i = 1; i < pool.getMaxConcurrency(); ++i)
    pool.async(work);
  work();
  pool.wait();
}

WeightsStore::WeightsStore() = default;
WeightsStore::~WeightsStore() = default;

llvm::Error WeightsStore::allocate(size_t bytes) {
  std::error_code code;
  arena = llvm::sys::OwningMemoryBlock(llvm::sys::Memory::allocateMappedMemory(
      std::max<size_t>(bytes, 1), nullptr,
      llvm::sys::Memory::MF_READ | llvm::sys::Memory::MF_WRITE, code));
  if (code)
    return llvm::createStringError("not enough memory for " +
                                   llvm::Twine(bytes) +
                                   " bytes of weights: " + reasonOf(code));
  // All weights are read for every token: large pages save address look-ups.
  madvise(arena.base(), bytes, MADV_HUGEPAGE);
  return llvm::Error::success();
}

llvm::Error WeightsStore::place(llvm::MutableArrayRef<WeightJob> jobs) {
  auto bytesOf = [](const WeightJob &job) {
    return llvm::alignTo(job.recipe->storedElements() *
                             byteWidth(job.recipe->type),
                         Tensor::alignment);
  };
  size_t arenaBytes = 0;
  for (auto [index, job] : llvm::enumerate(jobs))
    if (job.first == index && !staysInFile(job))
      arenaBytes += bytesOf(job);
  if (llvm::Error error = allocate(arenaBytes))
    return error;

  char *next = static_cast<char *>(arena.base());
  for (WeightJob &job : jobs) {
    if (job.first != table.size()) {
      table.push_back(table[job.first]);
    } else if (staysInFile(job)) {
      const Weight &weight = job.sources[0].numbers;
      // Compiled code never writes to weights.
      table.push_back(const_cast<uint8_t *>(weight.bytes.data()));
      inFile.push_back(weight);
    } else {
      job.output = next;
      table.push_back(next);
      next += bytesOf(job);
    }
  }
  return llvm::Error::success();
}

llvm::Expected<std::unique_ptr<WeightsStore>>
WeightsStore::create(llvm::StringRef path, llvm::ArrayRef<WeightRecipe> recipes,
                     unsigned threads, const ModuleConstants &constants) {
  std::unique_ptr<WeightsStore> store(new WeightsStore);
  if (llvm::any_of(recipes, [&](const WeightRecipe &r) {
        return !llvm::all_of(r.sources, [&](llvm::StringRef source) {
          return constants.contains(source);
        });
      })) {
    if (path.empty())
      return llvm::createStringError(
          "the functions need weights but no file is given; hint: --weights "
          "FILE names one, or the module attribute attn.weights_file");
    if (llvm::Error error = WeightsFile::open(path).moveInto(store->file))
      return std::move(error);
  }
  llvm::Expected<std::vector<WeightJob>> jobs =
      resolveJobs(recipes, constants, store->file.get());
  if (!jobs)
    return jobs.takeError();
  if (llvm::Error error = store->place(*jobs))
    return std::move(error);
  run(planTasks(*jobs), threads);

  // Pages at the borders of tasks, and those that reading ahead brought in.
  for (const WeightJob &job : *jobs)
    if (job.output)
      for (const WeightSource &source : job.sources)
        source.file->release(source.numbers);
  return std::move(store);
}

void WeightsStore::releaseFilePages() const {
  for (const Weight &weight : inFile)
    file->release(weight);
}
