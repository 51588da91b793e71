// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attn._native: attn.h for Python, one class for each of its handles.
// python/attn/translator.py makes of it what users see.

#include <attn-c/attn.h>
#include <chrono>
#include <cstring>
#include <cxxabi.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>
#include <unistd.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

struct ModelError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws if a call did not do what it should.
void check(attn_status status) {
  switch (status) {
  case ATTN_OK:
    return;
  case ATTN_INVALID_ARGUMENT:
    throw nb::value_error(attn_error_message());
  case ATTN_INVALID_MODEL:
    throw ModelError(attn_error_message());
  case ATTN_INVALID_INPUT:
    throw InputError(attn_error_message());
  case ATTN_FAILED:
    throw std::runtime_error(attn_error_message());
  case ATTN_CANCELLED:
    // A signal's handler has set the exception.
    throw nb::python_error();
  }
}

/// Lets other threads have the interpreter. As nb::gil_scoped_release, but that
/// a thread which outlives the interpreter, as daemons may, waits for the end
/// of the process: Python before 3.14 ends it by unwinding its stack, which
/// destructors must not.
class Release {
public:
  Release() : state(PyEval_SaveThread()) {}
  Release(const Release &) = delete;
  ~Release() {
    try {
      PyEval_RestoreThread(state);
    } catch (abi::__forced_unwind &) {
      while (true)
        pause();
    }
  }

private:
  PyThreadState *state;
};

/// Lets Python's handlers of signals run now and then while the main thread,
/// which alone runs them, waits for translations.
class SignalCheck {
public:
  static int run(void *self) {
    return static_cast<SignalCheck *>(self)->isInterrupted();
  }

private:
  using Clock = std::chrono::steady_clock;

  bool isInterrupted() {
    // Other threads may keep the interpreter from this one for a while.
    if (Clock::now() < next)
      return false;
    nb::gil_scoped_acquire acquire;
    bool isInterrupted = PyErr_CheckSignals() != 0;
    next = Clock::now() + std::chrono::milliseconds(50);
    return isInterrupted;
  }

  Clock::time_point next = Clock::now() + std::chrono::milliseconds(50);
};

bool isMainThread() {
  nb::object main = nb::module_::import_("threading").attr("main_thread")();
  return nb::cast<unsigned long>(main.attr("ident")) ==
         PyThread_get_thread_ident();
}

/// UTF-8 of text for C, which ends where there is a 0.
const char *textOf(nb::handle text) {
  Py_ssize_t size;
  const char *characters = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!characters)
    throw nb::python_error();
  if (std::strlen(characters) != static_cast<size_t>(size))
    throw InputError("expected text without null characters");
  return characters;
}

using Ids =
    nb::ndarray<const int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
/// What NumPy reads, in memory of `owner`.
template <typename T, typename Shape>
using View = nb::ndarray<nb::numpy, const T, Shape>;

struct FreeMemory {
  void operator()(void *memory) const { attn_free(memory); }
};

/// An array that attn_free() frees.
View<int32_t, nb::ndim<1>> own(int32_t *ids, size_t count) {
  nb::capsule owner(ids, [](void *memory) noexcept { attn_free(memory); });
  return {ids, {count}, owner};
}

struct Search : attn_search {
  /// In place of `prefix`.
  std::vector<int32_t> prefixIds;
};

class Results {
public:
  explicit Results(attn_results *results) : results(results) {}
  Results(const Results &) = delete;
  ~Results() { attn_results_destroy(results); }

  size_t count(size_t sentence) const {
    return attn_results_count(results, sentence);
  }
  attn_hypothesis hypothesis(size_t sentence, size_t number) const {
    attn_hypothesis hypothesis = {};
    hypothesis.size = sizeof(hypothesis);
    check(attn_results_hypothesis(results, sentence, number, &hypothesis));
    return hypothesis;
  }
  attn_alignment alignment(size_t sentence, size_t number) const {
    attn_alignment alignment = {};
    alignment.size = sizeof(alignment);
    check(attn_results_alignment(results, sentence, number, &alignment));
    return alignment;
  }

private:
  attn_results *results;
};

class Translator {
public:
  Translator(std::optional<nb::bytes> model, int32_t dtype, int32_t threads,
             int32_t beamSize, int32_t maxLength, int32_t attentionLayer) {
    if (model && std::strlen(model->c_str()) != model->size())
      throw ModelError("expected a path without null characters");
    attn_options options = {};
    options.size = sizeof(options);
    options.threads = threads;
    options.beam_size = beamSize;
    options.max_length = maxLength;
    options.dtype = dtype;
    options.attention_layer = attentionLayer;
    Release release;
    check(attn_translator_create(model ? model->c_str() : nullptr, &options,
                                 &translator));
  }
  Translator(const Translator &) = delete;
  ~Translator() {
    Release release;
    attn_translator_destroy(translator);
  }

  Search search() const {
    Search search = {};
    search.size = sizeof(attn_search);
    check(attn_search_init(translator, &search));
    return search;
  }

  std::unique_ptr<Results> translate(std::vector<nb::str> texts,
                                     const Search &search) const {
    std::vector<const char *> pointers;
    for (const nb::str &text : texts)
      pointers.push_back(textOf(text));
    return run(search, [&](const attn_search &search, attn_results **results) {
      return attn_translate_batch(translator, pointers.data(), pointers.size(),
                                  &search, results);
    });
  }

  std::unique_ptr<Results> translateIds(std::vector<Ids> sentences,
                                        const Search &search) const {
    std::vector<const int32_t *> pointers;
    std::vector<size_t> lengths;
    for (const Ids &ids : sentences) {
      pointers.push_back(ids.data());
      lengths.push_back(ids.size());
    }
    return run(search, [&](const attn_search &search, attn_results **results) {
      return attn_translate_ids_batch(translator, pointers.data(),
                                      lengths.data(), pointers.size(), &search,
                                      results);
    });
  }

  View<int32_t, nb::ndim<1>> encode(nb::str text, bool isTarget) const {
    int32_t *ids;
    size_t count;
    check(attn_encode(translator, isTarget ? ATTN_TARGET : ATTN_SOURCE,
                      textOf(text), &ids, &count));
    return own(ids, count);
  }

  nb::str decode(Ids ids) const {
    char *text;
    check(attn_decode(translator, ids.data(), ids.size(), &text));
    std::unique_ptr<char, FreeMemory> owner(text);
    return nb::str(text);
  }

  std::optional<std::string> token(int32_t id, bool isTarget) const {
    const char *token =
        attn_token(translator, isTarget ? ATTN_TARGET : ATTN_SOURCE, id);
    return token ? std::optional<std::string>(token) : std::nullopt;
  }

private:
  /// Calls `translate` while other threads have the interpreter.
  template <typename Translate>
  std::unique_ptr<Results> run(const Search &given, Translate translate) const {
    SignalCheck signals;
    attn_search search = given;
    search.prefix = given.prefixIds.data();
    search.prefix_length = given.prefixIds.size();
    if (isMainThread()) {
      search.cancelled = SignalCheck::run;
      search.context = &signals;
    }
    attn_results *results;
    attn_status status;
    {
      Release release;
      status = translate(search, &results);
    }
    check(status);
    return std::make_unique<Results>(results);
  }

  attn_translator *translator;
};

std::vector<std::string> wordsOf(const char *const *words, size_t count) {
  return {words, words + count};
}

} // namespace

NB_MODULE(_native, m) {
  m.def("version", attn_version);
  nb::exception<ModelError>(m, "ModelError", PyExc_RuntimeError);
  nb::exception<InputError>(m, "InputError", PyExc_ValueError);

  nb::class_<Search>(m, "Search")
      .def_rw("beam_size", &Search::beam_size)
      .def_rw("max_length", &Search::max_length)
      .def_rw("min_length", &Search::min_length)
      .def_rw("n_best", &Search::n_best)
      .def_rw("length_penalty", &Search::length_penalty)
      .def_prop_rw(
          "prefix", [](const Search &search) { return search.prefixIds; },
          [](Search &search, Ids ids) {
            search.prefixIds.assign(ids.data(), ids.data() + ids.size());
          });

  nb::class_<Results>(m, "Results")
      .def("count", &Results::count, "sentence"_a)
      .def(
          "text",
          [](const Results &results, size_t sentence, size_t number) {
            return nb::str(results.hypothesis(sentence, number).text);
          },
          "sentence"_a, "number"_a)
      .def(
          "score",
          [](const Results &results, size_t sentence, size_t number) {
            return results.hypothesis(sentence, number).score;
          },
          "sentence"_a, "number"_a)
      .def(
          "ids",
          [](nb::handle_t<Results> self, size_t sentence, size_t number) {
            attn_hypothesis found =
                nb::cast<const Results &>(self).hypothesis(sentence, number);
            return View<int32_t, nb::ndim<1>>(found.ids, {found.length}, self);
          },
          "sentence"_a, "number"_a)
      .def(
          "attention",
          [](nb::handle_t<Results> self, size_t sentence, size_t number) {
            attn_hypothesis found =
                nb::cast<const Results &>(self).hypothesis(sentence, number);
            return View<float, nb::ndim<2>>(
                found.attention, {found.steps, found.source_length}, self);
          },
          "sentence"_a, "number"_a)
      .def(
          "alignment",
          [](nb::handle_t<Results> self, size_t sentence, size_t number) {
            attn_alignment found =
                nb::cast<const Results &>(self).alignment(sentence, number);
            return std::tuple(wordsOf(found.source_words, found.source_count),
                              wordsOf(found.target_words, found.target_count),
                              View<float, nb::ndim<2>>(
                                  found.weights,
                                  {found.target_count, found.source_count},
                                  self));
          },
          "sentence"_a, "number"_a);

  nb::class_<Translator>(m, "Translator")
      .def(nb::init<std::optional<nb::bytes>, int32_t, int32_t, int32_t,
                    int32_t, int32_t>(),
           "model"_a.none(), "dtype"_a, "threads"_a, "beam_size"_a,
           "max_length"_a, "attention_layer"_a)
      .def("search", &Translator::search)
      .def("translate", &Translator::translate, "texts"_a, "search"_a)
      .def("translate_ids", &Translator::translateIds, "sentences"_a,
           "search"_a)
      .def("encode", &Translator::encode, "text"_a, "is_target"_a)
      .def("decode", &Translator::decode, "ids"_a)
      .def("token", &Translator::token, "id"_a, "is_target"_a);
}
