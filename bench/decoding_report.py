# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns what bench/decoding.py measured into its section of docs/Performance.md."""

import pathlib
import string

import decoding_cases
from kernel_report import mark, table

TEMPLATE = pathlib.Path(__file__).resolve().parent / "decoding.md.in"
NAMES = {
    "attn": "attn",
    "ctranslate2": "CTranslate2",
    "openvino": "OpenVINO",
    "transformers": "transformers",
}


def tokens_per_second(case, result):
    return case.tokens / result["seconds"]


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
             f"{case.at_least:.2f}", mark(ratio >= case.at_least)]
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
            speed = case.step_bytes / attn["seconds"] * 1e-9
            share = speed / figures["peak"]["memory"]
            row += [f"{speed:.1f} GB/s", f"{share:.0%} of the memory's bandwidth"]
            row += [f"{case.bandwidth_share:.0%}", mark(share >= case.bandwidth_share)]
        else:
            speed = case.flops / attn["seconds"] * 1e-9
            share = speed / figures["peak"]["f32"]
            row += [f"{speed:.0f} GFLOP/s", f"{share:.0%} of the multiply-add peak"]
            row += ["-", "-"]
        rows.append(row)
    return table(["case", "speed", "share", "at least", "reached"], rows)


def engines(cases, figures):
    def cell(result):
        if not result:
            return "-"
        speed = min(result["rounds"]), max(result["rounds"])
        return (
            f"{result['seconds']:.3f} ({speed[0]:.3f} to {speed[1]:.3f}; "
            f"{result['setting']}; {result['memory_mb']:.0f} MB)"
        )

    rows = [
        [case.name, *(cell(figures["cases"][case.name].get(name)) for name in NAMES)]
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


def parts(figures):
    cases = [case for case in decoding_cases.CASES if case.name in figures["cases"]]
    versions = (f"{NAMES[n]} {v}" for n, v in figures["versions"].items() if v)
    return {
        "processor": figures["processor"],
        "versions": ", ".join(versions),
        "threads": str(figures["threads"]),
        "rounds": str(figures["rounds"]),
        "bandwidth": f"{figures['peak']['memory']:.1f}",
        "peak": f"{figures['peak']['f32']:.0f}",
        "ratios": ratios(cases, figures),
        "shares": shares(cases, figures),
        "engines": engines(cases, figures),
        "starts": starts(figures),
        "turns": str(figures["turns"]),
        "busy_turns": str(figures["busy_turns"]),
        "words": f"{decoding_cases.WORDS:,}",
        "steps": str(decoding_cases.STEPS),
        "sentences": str(max(case.sentences for case in cases)),
    }


def tables(figures):
    """All of it for a terminal."""
    found = parts(figures)
    text = "\n".join(found[name] for name in ("ratios", "shares", "engines", "starts"))
    return f"\n{found['processor']}; {found['versions']}\n\n{text}"


def section(figures):
    """Of docs/Performance.md."""
    return string.Template(TEMPLATE.read_text()).substitute(parts(figures))
