# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The processes that bench/kernels.py measures."""

import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from kernel_cases import write_weights
from machine import cpu_seconds_of

BENCH = pathlib.Path(__file__).resolve().parent
# Those that every case is compared with, and those that only one is.
LIBRARIES = ["pytorch", "onnxruntime", "openvino"]
IREE = ["iree", "iree-linalg"]
IREE_CASES = ["attention-f32-2048"]
ONE_THREAD = "attn, one thread"


class Failure(Exception):
    """Why an engine has no number for a case."""


class Peer:
    """One library in a process of its own that waits between its turns."""

    def __init__(self, name, threads, log):
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, BENCH / "peers/worker.py", name, str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
        self.version = self.answer()["version"]
        self.pause()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"error: {self.name} ended; hint: see the log (--log)")
        return json.loads(line)

    def pause(self):
        """Stops it wholly: pools of threads may spin for a while."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def ask(self, **command):
        os.kill(self.process.pid, signal.SIGCONT)
        print(json.dumps(command), file=self.process.stdin, flush=True)
        answer = self.answer()
        self.pause()
        return answer

    def prepare(self, case, folder):
        """Writes the result to the folder; returns how it was computed."""
        result = folder / f"{self.name}.npy"
        answer = self.ask(prepare=case.name, inputs=str(folder), result=str(result))
        if "way" not in answer:
            raise Failure("; ".join(sorted(set(answer["failures"].values()))))
        return {"result": result, **answer}

    def measure(self, seconds):
        return self.ask(measure=seconds)

    def cpu_seconds(self):
        return cpu_seconds_of(self.process)

    def close(self):
        os.kill(self.process.pid, signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


class Attn:
    """The program, started for each turn; it tells its own times."""

    LIMIT = 60  # seconds for one start
    COMPILATIONS = 3

    def __init__(self, name, program, threads, log):
        self.name, self.program, self.threads = name, program, threads
        self.log = log
        if not shutil.which(program):
            sys.exit(f"error: no program {program}; hint: build it, or --attn PROGRAM")

    def run(self, file, entry, *options):
        command = [
            self.program, "run", file, f"--entry={entry}",
            f"--threads={self.threads}", *options,
        ]  # fmt: skip
        try:
            result = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                timeout=self.LIMIT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Failure(f"longer than {self.LIMIT} s") from None
        if result.returncode:
            self.log.write(result.stderr)
            raise Failure((result.stderr.strip() or "no message").splitlines()[0][:300])
        return result.stdout

    def bench(self, case, runs, *options):
        """Times of the case for which `prepare` wrote what there is to write."""
        shapes = ",".join(
            "x".join(map(str, shape))
            for name, shape in zip(case.arguments, case.shapes, strict=True)
            if name not in case.constants
        )
        output = self.run(
            self.file,
            case.program[1],
            "--random-inputs=1",
            f"--shapes={shapes}",
            f"--bench={runs}",
            *self.weights,
            *options,
        )
        return json.loads(output)

    def prepare(self, case, folder):
        self.case, self.cache = case, f"--cache-dir={folder / 'cache'}"
        self.file = case.write_program(folder)
        self.weights = []
        if case.constants:
            path = folder / "weights.safetensors"
            arrays = {name: np.load(folder / f"{name}.npy") for name in case.constants}
            write_weights(path, arrays, case.dtype)
            self.weights = [f"--weights={path}"]
        cold = [self.bench(case, 1, "--no-cache") for _ in range(self.COMPILATIONS)]
        self.estimate = self.bench(case, 3, self.cache)["median_ms"]
        # Files cannot hold bf16: there the function rounds by itself.
        entry = case.program[1] + ("_of_f32" if case.dtype == "bf16" else "")
        inputs = [
            f"--input={folder / name}.npy"
            for name in case.arguments
            if name not in case.constants
        ]
        out = folder / self.name
        options = [f"--output-dir={out}", "--no-cache", *self.weights]
        self.run(self.file, entry, *inputs, *options)
        result = folder / f"{self.name}.npy"
        np.save(result, np.load(out / "result0.npy")[..., case.rows, :])
        return {
            "result": result,
            "compile_ms": statistics.median(one["compile_ms"] for one in cold),
            "target": cold[0]["target"],
        }

    def measure(self, seconds):
        runs = max(1, min(20000, round(seconds * 1e3 / max(self.estimate, 1e-3))))
        return {**self.bench(self.case, runs, self.cache), "runs": runs}

    def measure_memory(self):
        """MB that attention over long sequences takes besides its arguments and
        result, or why there is no such number; by length. Compiling takes more
        than that, so the code comes from a cache."""

        def resident(length, cache):
            shape = ",".join([f"1x{length}x64"] * 3)
            output = self.run(
                BENCH / "kernels/attention.mlir", "attention", "--random-inputs=1", f"--shapes={shape}",
                "--bench=1", f"--cache-dir={cache}",
            )  # fmt: skip
            return json.loads(output)["peak_rss_mb"] - 4 * length * 64 * 4 / 2**20

        found = {}
        with tempfile.TemporaryDirectory() as cache:
            try:
                resident(1, cache)
                base = resident(1, cache)
                for length in (16384, 65536):
                    found[length] = resident(length, cache) - base
                    if found[length] > 1000:  # The square of the length is there.
                        break
            except Failure as failure:
                found[length] = str(failure)
        return found

    def cpu_seconds(self):
        return 0  # Counted as this process's children.

    def close(self):
        pass
