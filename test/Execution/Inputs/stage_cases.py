# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The scores of attn.sdpa before the softmax, as its second result."""
import cases
import numpy as np
import sdpa_case as sdpa
from sdpa_case import integers, normal, rng, sdpa_case


def stages():
    """Of all heads, some, and their mean; of keys in one block and several; alone,
    and with all that bounds keys, of which some are shown none the less."""
    slopes = np.array([0.25, 0.0625, -0.03125, 0.0], np.float32)
    heads = [(None, False), ([3, 0], False)]
    if sdpa.element == "f32":
        heads += [(None, True), ([1, 3], True)]
    number = 0
    for stage in ("scaled", "capped", "masked"):
        for queries, keys in [(1, 40), (1, 300), (2, 15), (17, 33), (70, 300), (40, 520), (3, 0)]:
            q, k, v = normal(2, queries, 64), normal(2, keys, 32), normal(2, keys, 32)
            mask = normal(1, 4, queries, keys)
            mask[rng.random(mask.shape) < 0.3] = -np.inf
            kinds = {
                "alone": {},
                "cap, mask": {"softcap": 2.0, "mask": mask},
                "causal, lengths, slopes, sinks, flags": {
                    "causal": True, "lengths": integers(keys, keys // 2),
                    "positions": integers(keys // 3, -1), "slopes": slopes, "sinks": normal(4),
                    "mask": rng.random((2, 1, queries, keys)) < 0.7,
                },
                "window, biases, cap": {
                    "window": (30, 5), "softcap": 3.0, "biases": normal(4, 41),
                    "positions": integers(0, keys // 2),
                },
            }  # fmt: skip
            for kind, options in kinds.items():
                shown, mean = heads[number % len(heads)]
                yield sdpa_case(
                    f"{stage}, {kind}, {shown} shown, mean {mean}, {queries} to {keys}", q, k, v, 4,
                    stage=stage, probabilities=True, shown=shown, mean=mean, **options,
                )  # fmt: skip
                number += 1
            number += 1
        # What no query sees is no number, which only its own scores are.
        q, k, v = normal(2, 20, 32), normal(2, 300, 32), normal(2, 300, 32)
        k[0, 17:], v[0, 17:] = np.nan, np.nan
        yield sdpa_case(
            f"{stage}, NaN in padding", q, k, v, 2, stage=stage, probabilities=True,
            lengths=integers(17, 290),
        )  # fmt: skip
        # The lowest number is low, and stays what it is.
        lowest = np.where(rng.random((1, 1, 20, 300)) < 0.5, np.finfo(np.float32).min, np.float32(0))
        yield sdpa_case(
            f"{stage}, lowest mask", q, normal(2, 300, 32), normal(2, 300, 32), 2, stage=stage,
            probabilities=True, mask=lowest,
        )  # fmt: skip


def main():
    arguments = cases.parse_arguments(__doc__)
    sdpa.element = arguments.element
    cases.check(list(stages()), arguments)


if __name__ == "__main__":
    main()
