# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns what bench/decoding.py or bench/translate.py measured into parts of a
section of docs/Performance.md."""

import statistics

from sections import mark, table
from translation_engines import NAMES

def tokens_per_second(case, result):
    return case.tokens / result["seconds"]


def at_least(value, limit, form):
    """Two cells: what is asked for, and whether it is reached."""
    return ["-", "-"] if limit is None else [form.format(limit), mark(value >= limit)]


def progress(case, figures):
    """One line for somebody who waits."""
    parts = [
        f"{name} {tokens_per_second(case, result):.0f} ({result['setting']})"
        for name, result in figures["cases"][case.name].items()
    ]
    return f"{case.name} (tokens/s): {', '.join(parts)}"


def ratios(cases, figures):
    rows = []
    for case in cases:
        found = dict(figures["cases"][case.name])
        attn = found.pop("attn", None)
        if not attn or not found:
            continue
        best = min(found, key=lambda name: found[name]["seconds"])
        ratio = found[best]["seconds"] / attn["seconds"]
        rows.append(
            [case.name, f"{tokens_per_second(case, attn):.0f}", NAMES[best],
             f"{tokens_per_second(case, found[best]):.0f}", f"{ratio:.2f}",
             *at_least(ratio, case.at_least, "{:.2f}")]
        )  # fmt: skip
    titles = ["case", "attn tokens/s", "fastest other", "tokens/s", "ratio"]
    return table([*titles, "at least", "reached"], rows)


def shares(cases, figures):
    rows = []
    for case in cases:
        attn = figures["cases"][case.name].get("attn")
        if not attn:
            continue
        row = [case.name]
        if case.bandwidth_share:
            speed, share = bandwidth(case, attn)
            row += [f"{speed:.1f} GB/s", f"{share:.0%} of the memory's bandwidth"]
            row += at_least(share, case.bandwidth_share, "{:.0%}")
        else:
            fed = min(case.decoder_rows, attn["decoder_rows"])
            speed = case.flops(fed) / attn["seconds"] * 1e-9
            share = speed / figures["peak"]["f32"]
            row += [f"{speed:.0f} GFLOP/s", f"{share:.0%} of the multiply-add peak"]
            row += at_least(share, case.peak_share, "{:.0%}")
        rows.append(row)
    return table(["case", "speed", "share", "at least", "reached"], rows)


def bandwidth(case, attn, dtype="f32"):
    """GB/s of the weights that are read, and the median share of what the memory
    gave right before and after a round."""
    speeds = [case.step_bytes(dtype) / seconds * 1e-9 for seconds in attn["rounds"]]
    shares = map(float.__truediv__, speeds, attn["bandwidths"])
    return statistics.median(speeds), statistics.median(shares)


def engines(cases, figures):
    def cell(case, result):
        if not result:
            return "-"
        speed = min(result["rounds"]), max(result["rounds"])
        same = f"; {result['same']} as expected" if case.expected else ""
        return (
            f"{result['seconds']:.3f} ({speed[0]:.3f} to {speed[1]:.3f}; "
            f"{result['setting']}; {result['memory_mb']:.0f} MB{same})"
        )

    rows = [
        [case.name, *(cell(case, figures["cases"][case.name].get(name)) for name in NAMES)]
        for case in cases
    ]
    return table(["case", *(f"{name} s" for name in NAMES.values())], rows)


def starts(figures):
    rows = [
        [", ".join(filter(None, [NAMES[name], way])), f"{seconds:.2f}"]
        for name, ways in figures["starts"].items()
        for way, seconds in ways.items()
    ]
    return table(["engine", "seconds"], rows)


def parts(cases, figures):
    """The tables by the names that the template has for them."""
    cases = [case for case in cases if case.name in figures["cases"]]
    versions = (f"{NAMES[n]} {v}" for n, v in figures["versions"].items() if v)
    return {
        "processor": figures["processor"],
        "versions": ", ".join(versions),
        "threads": str(figures["threads"]),
        "rounds": str(figures["rounds"]),
        "peak": f"{figures['peak']['f32']:.0f}",
        "ratios": ratios(cases, figures),
        "shares": shares(cases, figures),
        "engines": engines(cases, figures),
        "starts": starts(figures),
        "tries": str(figures["tries"]),
        "turns": str(figures["turns"]),
        "busy_turns": str(figures["busy_turns"]),
    }


def tables(cases, figures):
    """All of it for a terminal."""
    found = parts(cases, figures)
    text = "\n".join(found[name] for name in ("ratios", "shares", "engines", "starts"))
    return f"\n{found['processor']}; {found['versions']}\n\n{text}"
