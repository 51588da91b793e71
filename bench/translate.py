#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare the speed of translating with the shipped model with other engines.

    bench/translate.py                                 # all, writes docs/Performance.md
    bench/translate.py --cases batch-greedy --engines attn ctranslate2
    bench/translate.py --cases batch-greedy --json FILE    # a part; the next run goes on

All engines translate the sentences of test/reference/test from token ids to token
ids: 32 at a time, and one in eight of them one at a time. Installs the engines into
a virtual environment (bench/setup.sh) where they are missing. Each engine first
shows on a part which of its settings is fastest for a case; then engines take turns
in one run, and are compared by the medians of their rounds. Neither starting,
loading nor compiling counts; starting is measured by itself.
"""

import translation_bench
from translation_cases import REFERENCE, SHIPPED, Case, read_ids, read_sizes

# Of the sentences, those that are translated one at a time, and by which settings
# are chosen.
ONE_IN = 8


def main():
    options = translation_bench.make_parser(__doc__).parse_args()
    options.model = SHIPPED
    translation_bench.enter(options)
    sizes, sources = read_sizes(SHIPPED), read_ids(REFERENCE / "test.src.ids")
    expected = {
        beams: read_ids(REFERENCE / f"test.{name}.ids")
        for beams, name in {1: "greedy", 4: "beam4"}.items()
    }

    def case(name, beam_size, batch_size, **asked):
        all = Case(name, sizes, beam_size, batch_size, sources, expected[beam_size], **asked)
        return all.part(ONE_IN) if batch_size == 1 else all

    cases = [
        case("batch-greedy", 1, 32, at_least=1.35, peak_share=0.7),
        case("batch-beam-4", 4, 32, at_least=1.35, peak_share=0.7),
        case("one-greedy", 1, 1, at_least=2),
        case("one-beam-4", 4, 1, at_least=2),
    ]
    start = cases[0].part(len(sources))
    translation_bench.run(options, cases, start, "translate.md.in", try_every=ONE_IN)


if __name__ == "__main__":
    main()
