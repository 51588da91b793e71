#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A process in which one engine waits to be measured; bench/kernels.py starts it.

    bench/peers/worker.py ENGINE THREADS

Reads commands as lines of JSON and answers each with a line of JSON:
{"prepare": CASE, "inputs": FOLDER, "result": FILE.npy} builds every way in which
the engine can solve the problem, keeps the fastest, and writes its result;
{"measure": SECONDS} runs it for so long, once at least.
"""

import importlib
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import numpy as np
from kernel_cases import CASES

# The module in this folder and its class.
ENGINES = {
    "pytorch": ("pytorch_peer", "Engine"),
    "onnxruntime": ("onnxruntime_peer", "Engine"),
    "openvino": ("openvino_peer", "Engine"),
    "iree": ("iree_peer", "Engine"),
    "iree-linalg": ("iree_peer", "LinalgEngine"),
}


def measure(run, seconds):
    """Times of single runs in milliseconds."""
    times = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter_ns()
        run()
        times.append((time.perf_counter_ns() - start) / 1e6)
    return times


class Worker:
    """Keeps the engine and the fastest way to solve the current case."""

    def __init__(self, engine, threads):
        module, name = ENGINES[engine]
        self.engine = getattr(importlib.import_module(f"peers.{module}"), name)(threads)
        self.run = None

    def prepare(self, case, inputs, result):
        """A way gives a function that runs, and one that turns its result to NumPy."""
        arrays = {name: np.load(f"{inputs}/{name}.npy") for name in case.arguments}
        self.run, best, times, failures = None, None, {}, {}
        for way, build in self.engine.ways(case, arrays).items():
            try:
                run, to_numpy = build()
                for _ in range(2):
                    run()
                times[way] = min(measure(run, 0.2))
            except Exception as error:
                failures[way] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
                continue
            if times[way] == min(times.values()):
                self.run, best, convert = run, way, to_numpy
        if not self.run:
            return {"failures": failures}
        output = convert(self.run()).astype(np.float32)
        shape = arrays["q"].shape if case.kind == "attention" else (case.m, -1)
        output = output.reshape(shape)[..., case.rows, :]
        np.save(result, output)
        return {"way": best, "times": times, "failures": failures}

    def answer(self, command):
        if "prepare" in command:
            case = CASES[command["prepare"]]
            return self.prepare(case, command["inputs"], command["result"])
        times = measure(self.run, command["measure"])
        return {
            "median_ms": statistics.median(times),
            "min_ms": min(times),
            "runs": len(times),
        }


def main():
    # Libraries may print; what is for bench/kernels.py goes its own way.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = Worker(sys.argv[1], int(sys.argv[2]))

    def say(value):
        print(json.dumps(value), file=answers, flush=True)

    say({"version": worker.engine.version})
    for line in sys.stdin:
        say(worker.answer(json.loads(line)))


if __name__ == "__main__":
    main()
