# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The run of bench/kernels.py: engines take turns on each case."""

import fnmatch
import os
import pathlib
import statistics
import sys
import tempfile

import kernel_engines
import numpy as np
from kernel_cases import CASES
from kernel_engines import IREE, IREE_CASES, LIBRARIES, ONE_THREAD
from machine import larger, processor
from turns import Turns


class Bench:
    """Owns the engines; `close` ends their processes."""

    def __init__(self, options):
        self.options, self.engines = options, {}
        self.cases = [
            case
            for name, case in CASES.items()
            if any(fnmatch.fnmatch(name, pattern) for pattern in options.cases)
        ]
        if not self.cases:
            sys.exit(f"error: no such case; hint: there are {', '.join(CASES)}")

    def start(self, log):
        """Starts the engines; what they say goes to the log."""
        threads = self.options.threads
        for name in self.options.engines:
            if name == "attn":
                for name, count in (("attn", threads), (ONE_THREAD, 1)):
                    engine = kernel_engines.Attn(name, self.options.attn, count, log)
                    self.engines[name] = engine
                continue
            for part in IREE if name == "iree" else [name]:
                self.engines[part] = kernel_engines.Peer(part, threads, log)
        self.turns = Turns(self.options, self.engines.values())

    def engines_for(self, case):
        """One thread counts only where a share of its peak is asked for."""
        for name, engine in self.engines.items():
            if name in IREE and case.name not in IREE_CASES:
                continue
            if name == ONE_THREAD and case.kind != "matmul":
                continue
            yield name, engine

    def measure(self, case):
        """Returns what was found for each engine."""
        found, ready = {}, {}
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            inputs = case.inputs()
            for name, array in inputs.items():
                np.save(folder / f"{name}.npy", array)
            reference = case.reference(inputs)
            for name, engine in self.engines_for(case):
                try:
                    found[name] = self.turns.take(engine.prepare, case, folder)
                    result = np.load(found[name].pop("result")).astype(np.float64)
                    found[name]["error"] = case.error(result, reference)
                    ready[name] = engine
                except kernel_engines.Failure as failure:
                    found[name] = {"failure": str(failure)}
            rounds = {name: [] for name in ready}
            for _ in range(self.options.rounds):
                for name, engine in ready.items():
                    rounds[name].append(self.turns.take(engine.measure, self.options.seconds))
        for name, results in rounds.items():
            medians = [result["median_ms"] for result in results]
            found[name]["rounds_ms"] = medians
            found[name]["median_ms"] = statistics.median(medians)
            found[name]["min_ms"] = min(result["min_ms"] for result in results)
        return found

    def measure_all(self, progress):
        """Everything that the report needs; says each case when it is done."""
        options = self.options
        figures = {
            "processor": processor(),
            "cpus": os.cpu_count(),
            "threads": options.threads,
            "rounds": options.rounds,
            "tries": options.tries,
            "seconds": options.seconds,
            "versions": {
                n: e.version for n, e in self.engines.items() if n in LIBRARIES + IREE
            },
            "cases": {},
        }
        before = self.turns.peak(options.threads)
        for case in self.cases:
            figures["cases"][case.name] = found = self.measure(case)
            print(progress(case, found), flush=True)
        if "attn" in self.engines and options.cases == ["*"]:
            with self.turns.alone():
                figures["memory"] = self.engines["attn"].measure_memory()
        after = self.turns.peak(options.threads)
        figures["peak"] = larger(before, after)
        figures["busy_turns"] = self.turns.disturbed
        figures["turns"] = len(self.turns.shares)
        return figures

    def close(self):
        for engine in self.engines.values():
            engine.close()
