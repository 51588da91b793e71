# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns what bench/kernels.py measured into tables and docs/Performance.md."""

from kernel_engines import IREE, IREE_CASES, LIBRARIES, ONE_THREAD
from sections import mark, table

NAMES = {
    "pytorch": "PyTorch",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "iree": "IREE, its attention operation",
    "iree-linalg": "IREE, upstream operations",
}
# What has to hold besides the ratios.
F32_ERROR, COMPILE_MS, MEMORY_MB, IREE_RATIO = 2e-6, 300, 64, 40


def milliseconds(value):
    return (
        f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"
    )


def median(found, engine):
    """The engine's time in ms, or None."""
    return found.get(engine, {}).get("median_ms")


def best_library(found):
    """(ms, engine) of the fastest, or None."""
    times = [
        (median(found, engine), engine) for engine in LIBRARIES if median(found, engine)
    ]
    return min(times, default=None)


def gigaflops(case, time_ms):
    return case.flops / time_ms * 1e-6


def progress(case, found):
    """One line for somebody who waits."""
    parts = [
        f"{name} {milliseconds(result['median_ms'])}" if "median_ms" in result
        else f"{name} - {result['failure'][:80]}"
        for name, result in found.items()
    ]  # fmt: skip
    return f"{case.name} (ms): {', '.join(parts)}"


def ratios(cases, figures):
    rows = []
    for case in cases:
        found = figures["cases"][case.name]
        time, best = median(found, "attn"), best_library(found)
        peak = figures["peak"][case.dtype]
        row = [case.name]
        if time:
            flops = gigaflops(case, time)
            row += [milliseconds(time), f"{flops:.0f}", f"{flops / peak:.0%}"]
            row += [f"{case.bytes / time * 1e-6:.1f}"]
        else:
            row += ["-"] * 4
        row += [NAMES[best[1]], milliseconds(best[0])] if best else ["-", "-"]
        if time and best:
            ratio = best[0] / time
            row += [f"{ratio:.2f}", f"{case.at_least:.2f}", mark(ratio >= case.at_least)]
        else:
            row += ["-", f"{case.at_least:.2f}", "-"]
        rows.append(row)
    titles = ["case", "attn ms", "GFLOP/s", "of peak", "GB/s"]
    return table([*titles, "best library", "ms", "ratio", "at least", "reached"], rows)


def peak_shares(cases, figures):
    rows = []
    for case in cases:
        if not case.peak_share:
            continue
        found = figures["cases"][case.name]
        engine, peak = "attn", figures["peak"][case.dtype]
        if case.kind == "matmul":
            engine, peak = ONE_THREAD, figures["peak"][f"{case.dtype}_one"]
        time = median(found, engine)
        if time:
            flops = gigaflops(case, time)
            threads = 1 if engine == ONE_THREAD else figures["threads"]
            rows.append(
                [case.name, str(threads), milliseconds(time), f"{flops:.0f}",
                 f"{flops / peak:.1%}", f"{case.peak_share:.0%}",
                 mark(flops / peak >= case.peak_share)]
            )  # fmt: skip
    titles = ["case", "threads", "ms", "GFLOP/s", "of peak", "at least", "reached"]
    return table(titles, rows)


def libraries(cases, figures):
    def cell(result):
        if "median_ms" not in result:
            return "-"
        return f"{milliseconds(result['median_ms'])} ({result['way']})"

    rows = [
        [case.name, *(cell(figures["cases"][case.name].get(n, {})) for n in LIBRARIES)]
        for case in cases
    ]
    return table(["case", *(f"{NAMES[n]} ms" for n in LIBRARIES)], rows)


def errors(cases, figures):
    rows = []
    for case in cases:
        found = figures["cases"][case.name]
        attn, pytorch = found.get("attn", {}), found.get("pytorch", {})
        limit = F32_ERROR if case.dtype == "f32" else pytorch.get("error")
        if "error" not in attn or limit is None:
            continue
        compiling = attn["compile_ms"]
        rows.append(
            [case.name, f"{attn['error']:.1e}", f"{limit:.1e}", mark(attn["error"] <= limit),
             *(f"{found[n]['error']:.1e}" if "error" in found.get(n, {}) else "-"
               for n in LIBRARIES),
             f"{compiling:.0f}", mark(compiling <= COMPILE_MS)]
        )  # fmt: skip
    titles = ["case", "attn", "at most", "reached", *(NAMES[n] for n in LIBRARIES)]
    return table([*titles, "compile ms", f"at most {COMPILE_MS}"], rows)


def iree(cases, figures):
    rows = []
    for case in cases:
        found = figures["cases"][case.name]
        time = median(found, "attn")
        for engine in IREE if case.name in IREE_CASES else []:
            other = median(found, engine)
            if time and other:
                ratio, least = other / time, IREE_RATIO if engine == "iree" else None
                rows.append(
                    [case.name, NAMES[engine], milliseconds(other), f"{ratio:.1f}",
                     str(least or "-"), mark(ratio >= least) if least else "-"]
                )  # fmt: skip
    return table(["case", "engine", "ms", "ratio", "at least", "reached"], rows)


def memory(figures):
    rows = []
    for length, value in figures.get("memory", {}).items():
        if isinstance(value, str):
            rows.append([str(length), value, "-", "-"])
        else:
            limit = MEMORY_MB if length == 16384 else None
            rows.append(
                [str(length), f"{value:.1f}", str(limit or "-"),
                 mark(value < limit) if limit else "-"]
            )  # fmt: skip
    return table(["length", "MB", "less than", "reached"], rows)


def machine(figures):
    peak, threads = figures["peak"], figures["threads"]
    rows = [
        ["f32 fused multiply-add, GFLOP/s", f"{peak['f32_one']:.0f}", f"{peak['f32']:.0f}"],
        ["bf16 products, GFLOP/s", f"{peak['bf16_one']:.0f}", f"{peak['bf16']:.0f}"],
        ["int8 products, billions of operations/s", f"{peak['int8_one']:.0f}", f"{peak['int8']:.0f}"],
        ["reading 1 GiB, GB/s", "", f"{peak['memory']:.1f}"],
        ["reading 8 MiB again and again, GB/s", "", f"{peak['cache']:.1f}"],
    ]
    return table(["peak", "one thread", f"{threads} threads"], rows)


def parts(cases, figures):
    """The tables by the names that the template has for them."""
    versions = figures["versions"]
    known = [f"{NAMES[n]} {versions[n]}" for n in LIBRARIES if n in versions]
    known += [f"IREE {versions[n]}" for n in IREE[:1] if n in versions]
    return {
        "processor": f"{figures['processor']}, {figures['cpus']} processors, "
        f"vectors of {figures['peak']['lanes']} numbers",
        "versions": ", ".join(known),
        "threads": str(figures["threads"]),
        "rounds": str(figures["rounds"]),
        "seconds": f"{figures['seconds']:g}",
        "tries": str(figures["tries"]),
        "busy": f"{figures['busy_turns']} of {figures['turns']}",
        "machine": machine(figures),
        "ratios": ratios(cases, figures),
        "peak_shares": peak_shares(cases, figures),
        "libraries": libraries(cases, figures),
        "errors": errors(cases, figures),
        "iree": iree(cases, figures),
        "memory": memory(figures),
    }


def tables(cases, figures):
    """All of it for a terminal."""
    found = parts(cases, figures)
    names = ["machine", "ratios", "peak_shares", "libraries", "errors", "iree", "memory"]
    text = "\n".join(found[name] for name in names)
    return f"\n{found['processor']}; {found['versions']}\n\n{text}"
