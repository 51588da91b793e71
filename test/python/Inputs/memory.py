# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The memory of a process that works on, with one translator and with many."""
import gc
import pathlib
import resource

import attn

texts = ["Hello, how are you?", "Thank you.", "The cat drinks milk.", "Yes."]


def resident():
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def growth(work, times):
    """MiB that `work` adds, done so often, once it has all it needs."""
    for _ in range(times):
        work()
    before = resident()
    for _ in range(2 * times):
        work()
    return resident() - before


translator = attn.Translator(attention=True, threads=2)
by_texts = growth(lambda: translator.search(texts, n_best=3), times=100)
assert by_texts < 1, by_texts
by_translators = growth(lambda: attn.Translator(threads=2).translate(texts), times=10)
assert by_translators < 5, by_translators
