# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The processes that translate for a benchmark: each engine in each setting."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from machine import cpu_seconds_of, has_avx512

WORKER = pathlib.Path(__file__).resolve().parent / "peers/translation_worker.py"
NAMES = {
    "attn": "attn",
    "ctranslate2": "CTranslate2",
    "openvino": "OpenVINO",
    "transformers": "transformers",
}
# What they need in the virtual environment.
NEEDED = ["torch", "transformers", "ctranslate2", "optimum.intel", "openvino"]


def is_attn(name):
    """Whether an engine, whatever numbers it computes in, is ours."""
    return name.partition("-")[0] == "attn"


def settings_of(engine, threads, dtype):
    """The settings of an engine to choose from: by name, what its worker gets, and
    what is added to its environment."""
    if engine != "ctranslate2":
        return {f"{threads} threads": ({"threads": threads, "dtype": dtype}, {})}
    found = {}
    # It does not choose the widest instructions by itself.
    for isa in ("", "AVX512") if has_avx512() else ("",):
        environment = {"CT2_FORCE_CPU_ISA": isa} if isa else {}
        for workers, each in sorted({(1, 1), (1, threads), (threads, 1)}):
            name = f"{workers} x {each} thread{'s' * (each > 1)}{', ' * bool(isa)}{isa}"
            found[name] = ({"workers": workers, "threads": each}, environment)
    return found


def check(outputs, case, who):
    """How many of the outputs are as expected."""
    if len(outputs) != len(case.sources):
        sys.exit(f"error: {who}: expected {len(case.sources)} outputs, got {len(outputs)}")
    if case.steps:
        # An end token may be missing, as it is written or not.
        lengths = {len(output) for output in outputs}
        if not lengths <= {case.steps - 1, case.steps}:
            expected = f"{case.steps} tokens a sentence"
            sys.exit(f"error: {who}: expected {expected}, got {sorted(lengths)}")
    return sum(map(list.__eq__, outputs, case.expected or []))


class Attn:
    """The program, started for each turn; it tells its own times."""

    def __init__(self, options, folder, dtype="f32"):
        self.name, self.version = f"{options.threads} threads", ""
        self.input = folder / "source.ids"
        self.command = [
            options.attn, "translate", "--stats", f"--model={options.model}",
            f"--dtype={dtype}", "--input-format=ids", "--output-format=ids",
            f"--input={self.input}", f"--threads={options.threads}",
        ]  # fmt: skip

    def translate(self, case, *options):
        lines = (" ".join(map(str, source)) for source in case.sources)
        self.input.write_text("".join(f"{line}\n" for line in lines))
        command = [
            *self.command,
            *options,
            f"--batch-size={case.batch_size}",
            f"--beam-size={case.beam_size}",
        ]
        if case.steps:  # The start token counts.
            command += [f"--{which}-length={case.steps + 1}" for which in ("min", "max")]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            sys.exit(f"error: attn failed: {result.stderr.strip()}")
        outputs = [list(map(int, line.split())) for line in result.stdout.splitlines()]
        stats = json.loads(result.stderr.splitlines()[-1])
        return {
            "seconds": stats["translate_s"],
            "memory_mb": stats["peak_rss_mb"],
            "same": check(outputs, case, "attn"),
            "decoder_rows": stats["decoder_rows"],
        }

    def cpu_seconds(self):
        return 0  # Counted as this process's children.

    def start_ways(self, case):
        """By name, what starts it, translates and returns the seconds of that."""

        def start(cache):
            begin = time.perf_counter()
            self.translate(case, f"--cache-dir={cache}")
            return time.perf_counter() - begin

        def start_cold():
            with tempfile.TemporaryDirectory() as cache:
                return start(cache)

        cache = tempfile.TemporaryDirectory()
        self.translate(case, f"--cache-dir={cache.name}")
        return {"empty cache": start_cold, "code in the cache": lambda: start(cache.name)}


class Peer:
    """One engine in one setting, in a process of its own that waits, stopped,
    between its turns."""

    def __init__(self, engine, name, settings, environment, model, log):
        self.name, self.engine, self.log = name, engine, log
        self.command = [sys.executable, WORKER, engine, model, json.dumps(settings)]
        self.environment = os.environ | environment
        self.process = self.launch()
        self.version = self.answer(self.process)["version"]
        self.pause()

    def launch(self):
        return subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, text=True, env=self.environment,
        )  # fmt: skip

    def answer(self, process):
        line = process.stdout.readline()
        if not line:
            sys.exit(f"error: {self.engine} ended; hint: see the log (--log)")
        return json.loads(line)

    def pause(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def ask(self, process, case):
        command = {
            "sources": case.sources,
            "beam_size": case.beam_size,
            "batch_size": case.batch_size,
            "steps": case.steps,
        }
        print(json.dumps(command), file=process.stdin, flush=True)
        answer = self.answer(process)
        answer["same"] = check(answer.pop("outputs"), case, self.engine)
        return answer

    def translate(self, case):
        os.kill(self.process.pid, signal.SIGCONT)
        answer = self.ask(self.process, case)
        self.pause()
        return answer

    def cpu_seconds(self):
        return cpu_seconds_of(self.process)

    def start_ways(self, case):
        """As Attn.start_ways()."""

        def start():
            begin = time.perf_counter()
            process = self.launch()
            self.answer(process)
            self.ask(process, case)
            seconds = time.perf_counter() - begin
            process.communicate()
            return seconds

        return {"": start}

    def close(self):
        os.kill(self.process.pid, signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


def start(options, folder, log, stack, dtype="f32"):
    """Converts the model and starts all; `stack` ends them. By engine, a list of
    its settings."""
    found = {}
    for engine in options.engines:
        if engine == "attn":
            found[engine] = [Attn(options, folder, dtype)]
            continue
        model = folder / engine
        command = [sys.executable, WORKER, engine, options.model, "--convert", model, dtype]
        subprocess.run(command, stdout=log, stderr=log, check=True)
        found[engine] = []
        for name, arguments in settings_of(engine, options.threads, dtype).items():
            peer = Peer(engine, name, *arguments, model, log)
            stack.callback(peer.close)
            found[engine].append(peer)
    return found
