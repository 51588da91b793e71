# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The machine: what it is, what it can do, and who else uses it."""

import argparse
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent


def make_parser(description):
    """The options that every benchmark has: attn, and where the engines are."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument(
        "--peers", type=pathlib.Path, default=ROOT / "build/peers", metavar="DIR",
        help="the virtual environment, made where it is missing",
    )  # fmt: skip
    return parser


def cpu_fields():
    """What Linux says of the first processor, by name."""
    fields = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields


def flags():
    """What Linux calls the instruction set extensions."""
    return cpu_fields().get("flags", "").split()


def has_amx():
    return "amx_tile" in flags()


def has_avx512():
    return "avx512f" in flags()


def processor():
    """What the machine calls itself, and its widest instructions."""
    name = cpu_fields().get("model name", "unknown processor")
    widest = "AVX-512" if has_avx512() else "AVX2" if "avx2" in flags() else "SSE"
    amx = "with" if has_amx() else "no"
    return f"{name} ({widest}, {amx} AMX)"


def measure_peak(threads):
    """What peak.c finds: its figures by name."""
    compiler = next(filter(shutil.which, ["clang-22", "clang", "gcc", "cc"]), None)
    if not compiler:
        sys.exit("error: no C compiler; hint: apt-get install clang-22")
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/peak"
        subprocess.run(
            [compiler, "-O2", "-march=native", "-mprefer-vector-width=512",
             BENCH / "peak.c", "-o", program, "-lpthread"],
            check=True,
        )  # fmt: skip
        output = subprocess.run([program, str(threads)], stdout=subprocess.PIPE, check=True)
        return json.loads(output.stdout)


def larger(*peaks):
    """Of several that were measured: the larger peak makes the smaller share."""
    return {name: max(peak[name] for peak in peaks) for name in peaks[0]}


def cpu_seconds_of(process):
    """What its threads, and compilers that it called, have used."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
    times = fields.rpartition(")")[2].split()[11:15]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Says which share of the machine other programs used (Linux only)."""

    def __init__(self, engines):
        self.engines, self.enabled = engines, pathlib.Path("/proc/stat").exists()

    def used(self):
        """Seconds of all processors that all programs, and that ours used."""
        fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
        ticks = user + nice + system + irq + softirq + steal
        ours = sum(engine.cpu_seconds() for engine in self.engines)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
            usage = resource.getrusage(who)
            ours += usage.ru_utime + usage.ru_stime
        return ticks / os.sysconf("SC_CLK_TCK"), ours

    def call(self, function, *arguments):
        """Returns what the function returns, and the share that others used."""
        if not self.enabled:
            return function(*arguments), 0.0
        start, (total, ours) = time.monotonic(), self.used()
        value = function(*arguments)
        end, (total2, ours2) = time.monotonic(), self.used()
        others = (total2 - total) - (ours2 - ours)
        # Ticks are coarse: what is less than three of them is nothing.
        others -= 3 / os.sysconf("SC_CLK_TCK")
        return value, max(0.0, others / ((end - start) * os.cpu_count()))
