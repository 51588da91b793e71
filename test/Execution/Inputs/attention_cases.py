# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.sdpa, and attn.scores and attn.weighted_sum alone, on random tensors."""
import dataclasses

import cases
import numpy as np
import reference_ops as reference
import sdpa_case as sdpa
from cases import Case, tensor
from sdpa_case import integers, normal, rng, sdpa_case, window_text


def head_sizes():
    """Every head size, and values of another size than keys."""
    sizes = [(1, 1), (3, 3), (8, 8), (16, 16), (20, 20), (64, 64), (80, 24), (8, 256)]
    for size, value_size in sizes:
        heads = 1 if value_size > 200 else 3
        for queries, keys in [(1, 1), (2, 15), (15, 2), (17, 33)]:
            yield sdpa_case(
                f"heads of {size} and {value_size}, {queries} to {keys}",
                normal(2, queries, heads * size),
                normal(2, keys, heads * size),
                normal(2, keys, heads * value_size),
                heads,
            )
    yield sdpa_case(
        "heads of 256", normal(1, 5, 512), normal(1, 20, 512), normal(1, 20, 512), 2
    )


def lengths_and_causal():
    for causal in (False, True):
        for queries, keys in [
            (0, 3), (1, 0), (2, 0), (1, 1), (1, 2), (2, 1), (15, 15), (16, 16),
            (17, 17), (33, 33), (33, 1), (1, 33), (2, 16), (16, 17),
        ]:  # fmt: skip
            lengths = rng.integers(0, keys + 1, 3).astype(np.int32)
            q, k, v = (normal(3, n, 16) for n in (queries, keys, keys))
            yield sdpa_case(
                f"{queries} to {keys}, lengths {lengths}, causal {causal}",
                q, k, v, 2, causal=causal, probabilities=True, lengths=lengths,
            )  # fmt: skip
    # A length past the end is the end, one below zero is zero.
    q, k, v = (normal(3, n, 16) for n in (4, 5, 5))
    yield sdpa_case(
        "lengths outside", q, k, v, 2, probabilities=True, lengths=integers(9, -1, 5)
    )
    yield sdpa_case("no batch", normal(0, 4, 16), normal(0, 5, 16), normal(0, 5, 16), 2)


def blocks():
    """Several blocks of queries and of keys, with heads side by side."""
    for queries, keys, causal in [
        (8, 256, False), (70, 257, False), (70, 600, True), (130, 130, True),
        (9, 31, True), (300, 7, False), (57, 0, False),
    ]:  # fmt: skip
        q, k, v = normal(2, queries, 72), normal(2, keys, 72), normal(2, keys, 40)
        lengths = integers(keys, keys * 2 // 3)
        yield sdpa_case(
            f"{queries} to {keys} in blocks, causal {causal}", q, k, v, 2,
            causal=causal, lengths=lengths,
        )  # fmt: skip
        if causal:
            yield sdpa_case(
                f"{queries} to {keys} in blocks, after others", q, k, v, 2,
                causal=True, lengths=lengths, positions=integers(-20, keys // 2),
            )  # fmt: skip
    yield sdpa_case(
        "beams in blocks", normal(5, 20, 64), normal(2, 300, 64), normal(2, 300, 64),
        4, lengths=integers(300, 17), rows=integers(1, 0, 1, 1, 0),
    )  # fmt: skip


def not_a_number():
    q, k, v = normal(3, 4, 16), normal(3, 20, 16), normal(3, 20, 16)
    lengths = integers(17, 0, 20)
    k[0, 17:], v[0, 17:], k[1], v[1] = np.nan, np.inf, np.nan, np.nan
    yield sdpa_case("NaN in padding", q, k, v, 2, probabilities=True, lengths=lengths)
    k = k.copy()
    k[0, 3, 9] = np.nan
    v = v.copy()
    v[2, 6, 2] = np.nan
    yield sdpa_case("NaN in use", q, k, v, 2, probabilities=True, lengths=lengths)
    # Without lengths, and more of them: some processors multiply parts of numbers.
    for causal in (False, True):
        q, k, v = normal(3, 70, 16), normal(3, 300, 16), normal(3, 300, 16)
        v[0, 255], v[0, 100, 3], q[1, 5], k[2, 20, 3] = np.inf, np.nan, np.nan, -np.inf
        yield sdpa_case(
            f"NaN without lengths, causal {causal}", q, k, v, 2, causal=causal
        )
    # As many queries as are computed together: what one must not see of the
    # values, another one sees.
    q, k, v = normal(3, 30, 16), normal(3, 300, 16), normal(3, 300, 16)
    v[:, 280], v[0, 255] = np.nan, np.inf
    yield sdpa_case(
        "NaN in the future of some", q, k, v, 2, causal=True,
        lengths=integers(300, 280, 300), positions=integers(240, 0, 265),
    )  # fmt: skip
    q, k, v = normal(3, 4, 16), normal(3, 20, 16), normal(3, 20, 16)
    k[:, 7] = v[:, 7] = np.nan
    yield sdpa_case(
        "NaN in the future", q, k, v, 2, causal=True, probabilities=True,
        lengths=integers(20, 20, 20), positions=integers(0, 5, 9),
    )  # fmt: skip


def masks():
    """Numbers and flags, for all or for some dimensions, with all else."""
    for queries, keys in [(1, 40), (5, 3), (17, 33), (70, 300)]:
        q, k, v = (normal(2, n, 24) for n in (queries, keys, keys))
        for shape in [(2, 3, queries, keys), (1, 1, queries, keys), (2, 1, 1, keys), (1, 3, 1, keys)]:
            numbers = normal(*shape)
            numbers[rng.random(shape) < 0.3] = -np.inf
            flags = rng.random(shape) < 0.6
            flags[..., 0, :] &= rng.random() < 0.5
            for mask in (numbers, flags):
                yield sdpa_case(
                    f"mask {list(shape)} of {mask.dtype}", q, k, v, 3,
                    probabilities=queries < 20, mask=mask,
                )  # fmt: skip
        # The lowest number is low and excludes nothing.
        lowest = np.full((1, 1, 1, keys), np.finfo(np.float32).min, np.float32)
        yield sdpa_case(f"lowest mask {queries} to {keys}", q, k, v, 3, mask=lowest, scale=0.0)
        # Those with the highest share all the weight.
        highest = np.where(np.arange(keys) % 3, normal(1, 1, 1, keys), -lowest)
        yield sdpa_case(f"highest mask {queries} to {keys}", q, k, v, 3, mask=highest)
        yield sdpa_case(
            f"mask {queries} to {keys}, and all else", q, k, v, 3, causal=True, mask=numbers,
            lengths=integers(keys, keys // 2), positions=integers(0, 1),
        )  # fmt: skip


def capped():
    """Scores that tanh bounds, with and without masks; far below the cap, near
    it, and far above."""
    for queries, keys, size in [(1, 40, 16), (5, 3, 8), (33, 70, 24), (64, 300, 64)]:
        q, k, v = (normal(2, n, 2 * size) for n in (queries, keys, keys))
        numbers = normal(1, 2, queries, keys)
        numbers[rng.random(numbers.shape) < 0.3] = -np.inf
        for softcap, scale in [(0.5, 0.1), (50.0, 0.1), (2.0, 1.0), (1.0, 10.0)]:
            for about, rest in [
                ("", {"probabilities": queries < 20}),
                ("masks, ", {"causal": True, "mask": numbers,
                             "lengths": integers(keys, keys // 2), "positions": integers(0, 1)}),
            ]:  # fmt: skip
                case = sdpa_case(
                    f"softcap {softcap} of scale {scale}, {about}{queries} to {keys}", q, k, v, 2,
                    scale=scale, softcap=softcap, **rest,
                )  # fmt: skip
                # Scores are as much larger, and rounded before they are bounded.
                yield dataclasses.replace(case, tolerance=case.tolerance * max(1, scale))
    k = k.copy()
    k[0, 3, 5] = np.nan
    yield sdpa_case("NaN under a softcap", q, k, v, 2, softcap=2.0)


def windows():
    """On one side or both; with all else that says which keys are seen."""
    kinds = {
        "both sides, aligned at the last": (16, 31),
        "before, causal, lengths, slopes": (70, None),
        "after, mask, softcap, after others": (None, 5),
        "alone": (0, 0),
        "wide": (280, 2**62),
        "probabilities": (3, 2),
    }
    for queries, keys in [(1, 40), (2, 15), (20, 9), (33, 33), (70, 300), (300, 700)]:
        q, k, v = normal(2, queries, 48), normal(2, keys, 48), normal(2, keys, 80)
        lengths = integers(keys, keys * 2 // 3)
        for about, window in kinds.items():
            rest = {}
            if "last" in about:
                # Below the first key where there are more queries.
                rest |= {"lengths": lengths, "positions": lengths - queries}
            if "causal" in about:
                slopes = np.array([0.25, -0.03125], np.float32)
                rest |= {"causal": True, "lengths": lengths, "slopes": slopes}
            if "mask" in about:
                mask = rng.random((1, 2, queries, keys)) < 0.7
                rest |= {"mask": mask, "softcap": 2.0, "positions": integers(keys // 2, -1)}
            if "probabilities" in about:
                rest |= {"probabilities": True, "positions": integers(0, keys // 3)}
            yield sdpa_case(
                f"window {about}, {queries} to {keys}", q, k, v, 2, window=window, **rest
            )
    yield sdpa_case(
        "window, cache rows", normal(2, 1, 64), normal(3, 600, 64), normal(3, 600, 64), 4,
        window=(290, None), causal=True, positions=integers(580, 7),
        rows=rng.integers(0, 3, (2, 600)).astype(np.int32),
    )  # fmt: skip
    yield sdpa_case(
        "window, far positions", normal(2, 3, 16), normal(2, 20, 16), normal(2, 20, 16), 2,
        window=(2_000_000_000, None), positions=integers(2_000_000_000, 2_000_000_015),
    )  # fmt: skip
    # What some queries of a tile must not see of the values, others do.
    q, k, v = normal(2, 64, 16), normal(2, 600, 16), normal(2, 600, 16)
    v[0, 280:283], v[1, 300], k[:, 20] = np.nan, np.inf, np.nan
    yield sdpa_case(
        "NaN beside the window of some", q, k, v, 2, window=(30, 20),
        positions=integers(240, 260),
    )  # fmt: skip


def linear_biases():
    """Alone, and together with all else that says which keys are seen."""
    # The last prefers far keys. Scores are rounded in f32: of one that favours keys
    # by more, 0.125 over 600 keys, that alone is more than is allowed here.
    slopes = np.array([0.5, 0.0625, 0.0, -0.03125], np.float32)
    for queries, keys in [(1, 40), (2, 15), (17, 33), (70, 300), (300, 600)]:
        q, k, v = normal(2, queries, 64), normal(2, keys, 64), normal(2, keys, 64)
        lengths = integers(keys, keys * 2 // 3)
        yield sdpa_case(
            f"slopes {queries} to {keys}", q, k, v, 4,
            slopes=slopes, probabilities=queries < 20,
        )  # fmt: skip
        yield sdpa_case(
            f"slopes {queries} to {keys}, causal, after others, lengths", q, k, v, 4,
            slopes=slopes, causal=True, lengths=lengths, positions=integers(keys // 2, -1),
        )  # fmt: skip
        yield sdpa_case(
            f"slopes {queries} to {keys}, mask, softcap", q, k, v, 4, slopes=slopes,
            softcap=2.0, mask=rng.random((2, 1, queries, keys)) < 0.7,
        )  # fmt: skip
    # Between all queries and keys is a distance that f32 could not add to a score.
    q, k, v = normal(2, 3, 64), normal(2, 20, 64), normal(2, 20, 64)
    yield sdpa_case(
        "slopes, far before the first key", q, k, v, 4, slopes=slopes,
        positions=integers(-1_000_000, -2_000_000),
    )  # fmt: skip
    yield sdpa_case(
        "slopes, cache rows", normal(2, 1, 64), normal(3, 40, 64), normal(3, 40, 64), 4,
        slopes=slopes, causal=True, positions=integers(30, 7),
        rows=rng.integers(0, 3, (2, 40)).astype(np.int32),
    )  # fmt: skip


def biases_by_distance():
    """Those of keys near and far, before and after; fewer distances than there
    are, and more; alone, and together with all else."""
    for queries, keys, farthest in [
        (1, 40, 100), (1, 300, 7), (2, 15, 0), (17, 33, 5), (70, 300, 128), (300, 600, 20),
    ]:  # fmt: skip
        q, k, v = normal(2, queries, 64), normal(2, keys, 64), normal(2, keys, 64)
        biases, lengths = normal(4, 2 * farthest + 1), integers(keys, keys * 2 // 3)
        name = f"biases of {farthest} keys, {queries} to {keys}"
        yield sdpa_case(name, q, k, v, 4, biases=biases, probabilities=queries < 20)
        yield sdpa_case(
            f"{name}, causal, lengths, after others", q, k, v, 4, biases=biases,
            causal=True, lengths=lengths, positions=integers(keys // 2, -1),
        )  # fmt: skip
        yield sdpa_case(
            f"{name}, window, softcap, slopes, mask", q, k, v, 4, biases=biases,
            window=(30, 5), positions=integers(0, keys // 2), softcap=2.0,
            slopes=np.array([0.25, 0.0625, 0.0, -0.03125], np.float32),
            mask=rng.random((2, 1, queries, keys)) < 0.7, probabilities=queries < 20,
        )  # fmt: skip
    # The lowest number is low and excludes nothing; the highest leaves no weight.
    for bias in (-np.inf, np.finfo(np.float32).min, np.finfo(np.float32).max):
        biases = normal(4, 41)
        biases[:, :19] = bias
        yield sdpa_case(f"biases of {bias}", q, k, v, 4, biases=biases)
    biases = normal(4, 21)
    yield sdpa_case(
        "biases, cache rows", normal(2, 1, 64), normal(3, 40, 64), normal(3, 40, 64), 4,
        biases=biases, causal=True, positions=integers(30, 7),
        rows=rng.integers(0, 3, (2, 40)).astype(np.int32),
    )  # fmt: skip
    offsets = offsets_of([0, 7, 1, 300, 2])
    q, k, v = normal(1, 310, 64), normal(1, 310, 64), normal(1, 310, 64)
    yield sdpa_case(
        "biases, ragged", q, k, v, 4, biases=biases, query_offsets=offsets,
        key_offsets=offsets, positions=integers(0, 3, 0, 5, 1),
    )  # fmt: skip


def sinks():
    """Below all scores, among them and above them, and none; where a query sees
    nothing; alone, and together with all else."""
    for queries, keys in [(1, 40), (1, 300), (2, 15), (17, 33), (70, 300), (4, 0)]:
        q, k, v = normal(2, queries, 80), normal(2, keys, 80), normal(2, keys, 80)
        scores = np.array([-200, 0.5, 3, 200, -np.inf], np.float32)
        name, probabilities = f"sinks, {queries} to {keys}", queries < 20
        yield sdpa_case(name, q, k, v, 5, sinks=scores, probabilities=probabilities)
        yield sdpa_case(
            f"{name}, causal, lengths, slopes, softcap, mask", q, k, v, 5, sinks=scores,
            causal=True, lengths=integers(keys * 2 // 3, keys), positions=integers(keys // 2, -1),
            slopes=np.array([0.25, 0.0625, -0.03125, 0.5, 0.0], np.float32), softcap=2.0,
            mask=rng.random((2, 1, queries, keys)) < 0.7, probabilities=probabilities,
        )  # fmt: skip
        yield sdpa_case(
            f"{name}, window, biases", q, k, v, 5, sinks=scores, biases=normal(5, 9),
            window=(3, 3), positions=integers(0, keys),
        )  # fmt: skip
    # The largest score comes late: the sums before it vanish, the sink does not.
    k = normal(2, 300, 80) * np.linspace(0.1, 9, 300, dtype=np.float32)[:, None]
    yield sdpa_case("sinks, large scores", q, k, normal(2, 300, 80), 5, sinks=scores)
    yield sdpa_case("sinks of NaN", q, k, normal(2, 300, 80), 5, sinks=scores * np.nan)
    # All the weight is theirs.
    highest = np.array([np.inf, np.finfo(np.float32).max, 2e38, np.inf, -np.inf], np.float32)
    for slopes in {}, {"slopes": np.array([0.5, -0.5, 0.0, -0.5, 0.5], np.float32)}:
        yield sdpa_case(
            f"highest sinks{', slopes' * len(slopes)}", q, k, normal(2, 300, 80), 5,
            sinks=highest, **slopes,
        )  # fmt: skip
    yield sdpa_case(
        "sinks, cache rows", normal(2, 1, 80), normal(3, 40, 80), normal(3, 40, 80), 5,
        sinks=scores, causal=True, positions=integers(30, 7),
        rows=rng.integers(0, 3, (2, 40)).astype(np.int32),
    )  # fmt: skip


def shared_heads():
    """Heads that share keys and values: by two, by three, and all."""
    for heads, shared in [(4, 2), (6, 2), (5, 1)]:
        for queries, keys in [(1, 40), (2, 15), (17, 33), (70, 300)]:
            q = normal(2, queries, heads * 24)
            k, v = normal(2, keys, shared * 24), normal(2, keys, shared * 20)
            name = f"{heads} heads share {shared}, {queries} to {keys}"
            yield sdpa_case(name, q, k, v, heads, probabilities=queries < 20)
            yield sdpa_case(
                f"{name}, and all else", q, k, v, heads, causal=True, softcap=3.0,
                lengths=integers(keys, keys // 2), positions=integers(keys // 3, 0),
                mask=rng.random((2, heads, 1, keys)) < 0.8,
                slopes=np.linspace(0, 0.1, heads, dtype=np.float32),
            )  # fmt: skip
    yield sdpa_case(
        "shared heads, cache rows", normal(3, 1, 96), normal(4, 40, 32), normal(4, 40, 32),
        6, causal=True, positions=integers(30, 7, 0),
        rows=rng.integers(0, 4, (3, 40)).astype(np.int32),
    )  # fmt: skip


def shown_heads():
    """Probabilities of some heads, and means, where keys are one block and several."""
    for queries, keys in [(1, 40), (1, 300), (2, 15), (17, 33), (70, 300), (40, 520)]:
        q, k, v = normal(2, queries, 64), normal(2, keys, 32), normal(2, keys, 32)
        for shown, mean in [(None, False), ([2], False), ([3, 0], False), ([1, 3], True), (None, True)]:
            if mean and sdpa.element == "bf16":
                # Means are of f32; property_cases.py has those of bf16.
                continue
            name = f"{shown} shown, mean {mean}, {queries} to {keys}"
            yield sdpa_case(name, q, k, v, 4, probabilities=True, shown=shown, mean=mean)
            yield sdpa_case(
                f"{name}, and all else", q, k, v, 4, probabilities=True, shown=shown, mean=mean,
                causal=True, softcap=3.0, lengths=integers(keys, keys // 2),
                positions=integers(keys // 3, 0), mask=rng.random((2, 4, 1, keys)) < 0.8,
            )  # fmt: skip
    offsets = offsets_of([0, 7, 1, 300, 2])
    q, k, v = normal(1, 310, 64), normal(1, 310, 32), normal(1, 310, 32)
    for shown, mean in [([3, 0], False), (None, sdpa.element != "bf16")]:
        yield sdpa_case(
            f"{shown} shown, mean {mean}, ragged", q, k, v, 4, probabilities=True, shown=shown,
            mean=mean, query_offsets=offsets, key_offsets=offsets,
        )  # fmt: skip
    yield sdpa_case(
        "shown, cache rows", normal(3, 1, 64), normal(4, 40, 32), normal(4, 40, 32), 4,
        causal=True, positions=integers(30, 7, 0), probabilities=True, mean=sdpa.element != "bf16",
        rows=rng.integers(0, 4, (3, 40)).astype(np.int32),
    )  # fmt: skip


def offsets_of(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)


def ragged():
    """Sequences one after the other: none, empty ones, of one token, of prime
    lengths, of several blocks; queries and keys, or one of them; with all else."""
    for lengths in [
        [], [0], [1], [5], [3, 0, 1, 17, 33, 2, 0], [7, 13, 1, 31, 61], [0, 300, 1, 1, 257, 5],
    ]:  # fmt: skip
        offsets, total, count = offsets_of(lengths), sum(lengths), len(lengths)
        q, k, v = (normal(1, total, 48) for _ in range(3))
        for causal in (False, True):
            yield sdpa_case(
                f"ragged {lengths}, causal {causal}", q, k, v, 3, causal=causal,
                probabilities=0 < total < 60, query_offsets=offsets, key_offsets=offsets,
            )  # fmt: skip
        key_lengths = rng.integers(0, 90, count)
        keys = offsets_of(key_lengths)
        k, v = normal(1, keys[-1], 16), normal(1, keys[-1], 20)
        some = {
            "lengths": rng.integers(-1, 90, count).astype(np.int32),
            # Of larger ones scores are rounded by more than is allowed here.
            "slopes": np.array([0.0625, 0.0, -0.03125], np.float32),
            "causal": True, "softcap": 3.0,
            "positions": rng.integers(-2, 60, count).astype(np.int32),
        }  # fmt: skip
        mask = rng.random((1, 1, 1, keys[-1])) < 0.7
        yield sdpa_case(
            f"ragged {lengths} to {key_lengths}", q, k, v, 3,
            query_offsets=offsets, key_offsets=keys,
        )  # fmt: skip
        yield sdpa_case(
            f"ragged {lengths} to {key_lengths}, and all else", q, k, v, 3, mask=mask,
            query_offsets=offsets, key_offsets=keys, probabilities=0 < total < 60, **some,
        )  # fmt: skip
        if total and count:
            numbers = normal(1, 3, total, keys[-1])
            rows = rng.integers(-1, count + 1, count).astype(np.int32)
            yield sdpa_case(
                f"ragged {lengths} to {key_lengths}, shared, mask", q, k, v, 3, mask=numbers,
                query_offsets=offsets, key_offsets=keys, rows=rows, lengths=some["lengths"],
            )  # fmt: skip
            k, v = normal(count, 40, 16), normal(count, 40, 20)
            yield sdpa_case(
                f"ragged {lengths} to padded keys", q, k, v, 3, query_offsets=offsets, **some
            )
            yield sdpa_case(
                f"ragged {lengths} to cache rows", q, k, v, 3, query_offsets=offsets, causal=True,
                rows=rng.integers(0, count, (count, 40)).astype(np.int32),
                positions=some["positions"],
            )  # fmt: skip
    q, k, v = normal(3, 18, 48), normal(1, 70, 48), normal(1, 70, 48)
    yield sdpa_case("ragged keys", q, k, v, 3, key_offsets=integers(2, 35, 35, 70))
    # Some are of no entry; nothing of these keys is read for the others.
    q, k, v = normal(1, 60, 48), k.copy(), v.copy()
    k[0, :2], v[0, :2], k[0, 60:], v[0, 60:] = np.nan, np.nan, np.nan, np.inf
    yield sdpa_case(
        "ragged, outside", q, k, v, 3,
        query_offsets=integers(-7, 35, 500), key_offsets=integers(2, 40, 60),
    )  # fmt: skip
    k, v = normal(1, 70, 48), normal(1, 70, 48)
    yield sdpa_case(
        "ragged, some queries", q, k, v, 3, causal=True,
        query_offsets=integers(30, 41, 52), key_offsets=integers(-3, 35, 99),
    )  # fmt: skip


def by_head():
    """Heads in a dimension of their own."""
    for batch, heads, shared, queries, keys in [
        (2, 3, 3, 1, 5), (1, 2, 2, 17, 31), (3, 1, 1, 60, 300), (2, 6, 2, 1, 9), (2, 6, 2, 17, 31),
    ]:  # fmt: skip
        counts = (heads, shared, shared)
        q, k, v = (normal(batch, n, h * 20) for n, h in zip((queries, keys, keys), counts))
        lengths = rng.integers(0, keys + 1, batch).astype(np.int32)
        out, _ = reference.sdpa(q, k, v, heads, 0.2, lengths=lengths, key_heads=shared)
        arrays = {n: reference.split(x, h).copy() for n, x, h in zip("qkv", (q, k, v), counts)}
        wanted = reference.split(out, heads)
        arrays["o"] = np.full(wanted.shape, np.nan, np.float32)
        known = [1, -1] if heads != shared else [-1]
        arguments = {n: (tensor(x, known if n in "qk" else [1, -1]), x) for n, x in arrays.items()}
        arguments["lengths"] = (tensor(lengths), lengths)
        types = [arguments[n][0] for n in ("q", "k", "v", "lengths", "o")]
        body = (
            "%r = attn.sdpa %q, %k, %v lengths(%lengths) outs(%o) {scale = 0.2 : f64} : "
            f"({', '.join(types)}) -> {types[-1]}"
        )
        yield Case(f"by head, {heads} share {shared}, {queries} to {keys}", body, arguments, {"r": (types[-1], wanted)})


def large_scores():
    """Where the largest score comes late, the sums before it vanish."""
    for scale in (10.0, 100.0):
        q, k, v = normal(2, 3, 16), normal(2, 50, 16), normal(2, 50, 16)
        k *= np.linspace(0.1, 2, 50, dtype=np.float32)[:, None]
        # Powers of two, so that the scores of both are nearly the same.
        q, k = np.round(q * 4) / 4, np.round(k * 4) / 4
        yield sdpa_case(
            f"scale {scale}", q, k, v, 2, scale=scale, probabilities=True
        )


    # So far beyond those before that a power of the difference is none of f32.
    q, k, v = np.ones((1, 70, 16), np.float32), normal(1, 600, 16), normal(1, 600, 16)
    k[:, -20:] += 7
    yield sdpa_case("scale 1, later block", q, k, v, 1, scale=1.0)


def infinite_scores():
    """Keys so far off that their scores overflow take no part."""
    q, k, v = np.ones((1, 9, 8), np.float32), normal(1, 300, 8), normal(1, 300, 8)
    q *= 4
    k[:, :290] = -3e38
    for queries in (1, 9):
        yield sdpa_case(f"scores of -inf, {queries} queries", q[:, :queries], k, v, 1)
    yield sdpa_case("scores of -inf, probabilities", q, k, v, 1, probabilities=True)


def rows_and_positions():
    for beams, keys in [(1, 5), (4, 17), (6, 33)]:
        rows = rng.integers(-1, 3, beams).astype(np.int32)
        yield sdpa_case(
            f"{beams} beams share {keys} keys", normal(beams, 2, 48),
            normal(2, keys, 48), normal(2, keys, 48), 3,
            lengths=rng.integers(1, keys + 1, 2).astype(np.int32), rows=rows,
        )  # fmt: skip
    for beams, capacity, new, history in [(1, 4, 1, 1), (3, 40, 1, 33), (5, 20, 3, 20)]:
        rows = rng.integers(-1, beams + 2, (beams, history)).astype(np.int32)
        positions = rng.integers(0, history - new + 1, beams).astype(np.int32)
        yield sdpa_case(
            f"{beams} beams with a history of {history}", normal(beams, new, 48),
            normal(beams + 1, capacity, 48), normal(beams + 1, capacity, 48), 3,
            causal=True, rows=rows, positions=positions,
        )  # fmt: skip
    yield sdpa_case(
        "a history of fewer rows than there are keys", normal(3, 1, 48),
        normal(3, 40, 48), normal(3, 40, 48), 3,
        rows=rng.integers(0, 3, (3, 7)).astype(np.int32),
    )  # fmt: skip
    for rows in (integers(0, 1, 2), integers(0, 1, 2)[:, None].repeat(6, 1)):
        yield sdpa_case(
            f"{rows.ndim} dimensions of rows of no keys", normal(3, 1, 16),
            normal(0, 6, 16), normal(0, 6, 16), 2, causal=True, rows=rows,
            positions=integers(5, 5, 5),
        )  # fmt: skip
    yield sdpa_case(
        "positions before the first key and past the last", normal(3, 2, 16),
        normal(3, 6, 16), normal(3, 6, 16), 2,
        causal=True, positions=integers(-1, -5, 100),
    )  # fmt: skip


def unfused():
    for causal, window in [(False, (None, None)), (True, (None, 3)), (False, (1, 2))]:
        # Three heads share one of keys where it is causal.
        q, k, lengths = normal(3, 5, 12), normal(3, 7, 4 if causal else 12), integers(7, 0, 4)
        wanted = reference.scores(q, k, 3, 0.5, causal, lengths, window)
        out = np.full(wanted.shape, np.nan, np.float32)
        arrays = {"q": q, "k": k, "n": lengths, "o": out}
        types = [tensor(q, [-1]), tensor(k, [-1]), tensor(lengths), tensor(out, [1])]
        yield Case(
            f"scores, causal {causal}, window {window}",
            f"%r = attn.scores %q, %k lengths(%n) outs(%o) {{heads = 3 : i64, "
            f"scale = 0.5 : f64{', causal' if causal else ''}{window_text(window)}}} : "
            f"({', '.join(types)}) -> {types[3]}",
            {n: (t, a) for (n, a), t in zip(arrays.items(), types)},
            {"r": (types[3], wanted)},
        )
    for heads, shared, queries, keys, size in [
        (3, 3, 5, 7, 4), (1, 1, 1, 1, 1), (2, 2, 3, 0, 2), (6, 2, 5, 7, 3),
    ]:  # fmt: skip
        p, v = normal(2, heads, queries, keys), normal(2, keys, shared * size)
        wanted = reference.weighted_sum(p, v, shared)
        out = np.full(wanted.shape, np.nan, np.float32)
        types = [tensor(p, [1]), tensor(v, [-1]), tensor(out, [-1])]
        yield Case(
            f"weighted_sum, {heads} heads share {shared}, {queries} to {keys}",
            f"%r = attn.weighted_sum %p, %v outs(%o) : ({', '.join(types)}) -> {types[2]}",
            {n: (t, a) for n, t, a in zip("pvo", types, (p, v, out))},
            {"r": (types[2], wanted)},
        )


def fused_by_the_compiler():
    """The three steps, which become one operation on the way."""
    q, k, v, lengths = normal(3, 5, 12), normal(3, 19, 12), normal(3, 19, 24), integers(19, 0, 4)
    out, weights = reference.sdpa(q, k, v, 3, 0.5, lengths=lengths)
    qt, kt, vt, nt = (tensor(x, [-1] if x.ndim == 3 else []) for x in (q, k, v, lengths))
    st, ot = "tensor<?x3x?x?xf32>", "tensor<?x?x24xf32>"
    for probabilities in (False, True):
        s = np.full(weights.shape, np.nan, np.float32)
        o = np.full(out.shape, np.nan, np.float32)
        body = (
            f"%s = attn.scores %q, %k lengths(%n) outs(%s0) {{heads = 3 : i64, scale = 0.5 : f64}}"
            f" : ({qt}, {kt}, {nt}, {st}) -> {st}\n"
            f"%p = attn.softmax %s outs(%s0) : ({st}, {st}) -> {st}\n"
            f"%y = attn.weighted_sum %p, %v outs(%o) : ({st}, {vt}, {ot}) -> {ot}"
        )
        results = {"y": (ot, out)}
        if probabilities:
            results["p"] = (st, weights)
        yield Case(
            f"three steps, probabilities {probabilities}", body,
            {"q": (qt, q), "k": (kt, k), "v": (vt, v), "n": (nt, lengths),
             "s0": (st, s), "o": (ot, o)},
            results,
        )  # fmt: skip


def main():
    arguments = cases.parse_arguments(__doc__)
    sdpa.element = arguments.element
    every = [
        *head_sizes(), *lengths_and_causal(), *blocks(), *not_a_number(), *large_scores(), *infinite_scores(),
        *rows_and_positions(), *masks(), *capped(), *windows(), *linear_biases(),
        *biases_by_distance(), *sinks(), *shared_heads(), *ragged(), *shown_heads(),
    ]  # fmt: skip
    if sdpa.element == "f32":
        every += [*by_head(), *unfused(), *fused_by_the_compiler()]
    cases.check(every, arguments)


if __name__ == "__main__":
    main()
