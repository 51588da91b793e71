# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What bench/decoding.py and bench/translate.py measure, and what it takes to
compute it."""

import dataclasses
import fnmatch
import json
import pathlib
import random
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "models/tatoeba-en-fr"
REFERENCE = ROOT / "test/reference/test"
# Bytes of a weight.
WIDTHS = {"f32": 4, "bf16": 2, "int8": 1}
# What is translated right after a start.
STARTS = "starts"


@dataclasses.dataclass(frozen=True)
class Sizes:
    """Of a model; and how many weights its products take."""

    width: int
    hidden: int
    encoder_layers: int
    decoder_layers: int
    words: int

    @property
    def encoder(self):
        """For a token of the source; with its keys and values for the decoder."""
        layers = self.encoder_layers * (4 * self.width**2 + 2 * self.width * self.hidden)
        return layers + self.decoder_layers * 2 * self.width**2

    @property
    def step(self):
        """For a token that is written, besides the words: the projections of
        attention to what is written, query and output of that to the source, the
        feed-forward."""
        return self.decoder_layers * (6 * self.width**2 + 2 * self.width * self.hidden)

    @property
    def choice(self):
        """To choose among all words."""
        return self.words * self.width


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    sizes: Sizes
    beam_size: int
    batch_size: int
    # Token ids of each sentence, with the end token.
    sources: list
    # What should be written, without the end token, where that is known.
    expected: list | None = None
    # How many tokens every engine is made to write; else it ends by itself.
    steps: int | None = None
    # What is asked for: so many times as fast as the fastest other engine, and a
    # share of the peak of multiplications, or of the bandwidth of the memory.
    at_least: float | None = None
    peak_share: float | None = None
    bandwidth_share: float | None = None

    @property
    def lengths(self):
        """Tokens written for each sentence, with the end token."""
        if self.steps:
            return [self.steps] * len(self.sources)
        return [len(ids) + 1 for ids in self.expected]

    @property
    def tokens(self):
        return sum(self.lengths)

    @property
    def decoder_rows(self):
        """The beams of a sentence differ from the second step on. Steps past the
        best translation do not count."""
        return sum(1 + (length - 1) * self.beam_size for length in self.lengths)

    def read_by_step(self, dtype="f32"):
        """Bytes of the weights that a step reads. Greedy search chooses among the words
        by integers."""
        choice = 1 if self.beam_size == 1 else WIDTHS[dtype]
        return WIDTHS[dtype] * self.sizes.step + choice * self.sizes.choice

    def flops(self, decoder_rows, dtype="f32"):
        """Multiplications and additions of all products by weights, those of integers
        as so many fewer as a vector register holds more of them than of `dtype`; those
        of attention are less than a hundredth."""
        encoded = sum(map(len, self.sources)) * self.sizes.encoder
        return 2 * (encoded + decoder_rows * self.read_by_step(dtype) / WIDTHS[dtype])

    def step_bytes(self, dtype="f32"):
        """Bytes of the weights that are read if a sentence at a time is
        translated: in each step, and once to encode it."""
        encoded = len(self.sources) * self.sizes.encoder
        return WIDTHS[dtype] * encoded + self.tokens * self.read_by_step(dtype)

    def part(self, every):
        """One in so many of the sentences."""
        expected = self.expected and self.expected[::every]
        return dataclasses.replace(
            self, sources=self.sources[::every], expected=expected
        )


def read_ids(path):
    return [list(map(int, line.split())) for line in path.read_text().splitlines()]


def read_sizes(model):
    config = json.loads((model / "config.json").read_text())
    return Sizes(
        config["d_model"], config["decoder_ffn_dim"], config["encoder_layers"],
        config["decoder_layers"], config["vocab_size"],
    )  # fmt: skip


def choose(cases, patterns):
    """The cases of the names given; STARTS may be among them."""

    def chosen(name):
        return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)

    found = [case for case in cases if chosen(case.name)]
    if not found and not chosen(STARTS):
        names = ", ".join([*(case.name for case in cases), STARTS])
        sys.exit(f"error: no such case; hint: there are {names}")
    return found, chosen(STARTS)


def random_sentences(count, words, length, seed=0):
    """Token ids with an end token; the same at each call."""
    generator = random.Random(seed)
    return [
        [*(generator.randrange(1, words) for _ in range(length - 1)), 0]
        for _ in range(count)
    ]
