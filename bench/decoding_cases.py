# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What bench/decoding.py measures, and what it takes to compute it."""

import dataclasses
import fnmatch
import random
import sys

# The checkpoint that utils/make_checkpoint.py writes by default.
WIDTH, HIDDEN, LAYERS, WORDS = 512, 2048, 6, 58101
# Tokens of a sentence with its end token, and tokens that are written.
SOURCE, STEPS = 21, 24


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    beam_size: int
    batch_size: int
    sentences: int
    # What is asked for: so many times as fast as the fastest other engine, and
    # this share of the bandwidth of the memory.
    at_least: float
    bandwidth_share: float | None = None

    @property
    def tokens(self):
        return self.sentences * STEPS

    def sources(self):
        """Token ids of each sentence; the same at each call."""
        generator = random.Random(0)
        return [
            [*(generator.randrange(1, 58000) for _ in range(SOURCE - 1)), 0]
            for _ in range(self.sentences)
        ]

    @property
    def flops(self):
        """Multiplications and additions of all products by weights; those of
        attention are less than a hundredth of them."""
        encoded = self.sentences * SOURCE * LAYERS * (LAYER + 2 * WIDTH**2)
        # The beams of a sentence differ from the second step on.
        decoded = self.sentences * (1 + (STEPS - 1) * self.beam_size) * STEP
        return 2 * (encoded + decoded)

    @property
    def step_bytes(self):
        """Bytes of the f32 weights that are read if a sentence at a time is
        translated: in each step, and once to encode it."""
        encoded = LAYERS * (LAYER + 2 * WIDTH**2)
        return 4 * self.sentences * (encoded + STEPS * STEP)


# Numbers of the weights of an encoder's layer: projections to query, key, value
# and output, and the feed-forward's two; and of those that a step reads: in each
# layer also the projections to query and output of the attention to the source.
LAYER = 4 * WIDTH**2 + 2 * WIDTH * HIDDEN
STEP = LAYERS * (LAYER + 2 * WIDTH**2) + WORDS * WIDTH

CASES = [
    Case("batch-greedy", 1, 32, 64, at_least=1.8),
    Case("batch-beam-4", 4, 32, 64, at_least=1.4),
    Case("one-greedy", 1, 1, 8, at_least=1.3, bandwidth_share=0.85),
]
# What is translated after a start.
START = Case("start", 1, 1, 1, at_least=1)


def choose(patterns):
    """The cases of the names given."""
    found = [
        case
        for case in CASES
        if any(fnmatch.fnmatch(case.name, pattern) for pattern in patterns)
    ]
    if not found:
        names = ", ".join(case.name for case in CASES)
        sys.exit(f"error: no such case; hint: there are {names}")
    return found
