#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare the speed of encoders exported to ONNX with ONNX Runtime.

    bench/encoders.py                           # all, writes docs/Performance.md
    bench/encoders.py --models bert-dynamo --shapes 8x128 --threads 2

utils/export_encoders.py writes the models, BERT and Marian encoders of two sizes
with random weights, each by both exporters of PyTorch; it and ONNX Runtime are
installed into a virtual environment (bench/setup.sh) where they are missing. The
two take turns on each shape and are compared by the medians of their rounds;
neither starting, loading nor compiling counts. Inputs are of unequal length, with
a mask. Fails where an output differs by more than 1e-4.
"""

import contextlib
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import machine
import sections
from kernels import enter_environment
from turns import Turns, add_options

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
TEMPLATE = BENCH / "encoders.md.in"
NEEDED = ["torch", "transformers", "onnx", "onnxscript", "onnxruntime"]
MODELS = [
    f"{shape}-{exporter}"
    for shape in ("bert-mini", "bert", "marian-mini", "marian")
    for exporter in ("torchscript", "dynamo")
]
SHAPES = ["1x32", "1x128", "8x64"]
WORDS, TOLERANCE, AT_LEAST = 1000, 1e-4, 1.5
# After which threads of ONNX Runtime no longer wait in a loop.
PAUSE_SECONDS = 0.05


def parse_arguments():
    parser = machine.make_parser(__doc__)
    parser.add_argument(
        "--folder", type=pathlib.Path, default=ROOT / "build/encoders", metavar="DIR",
        help="the models, exported where they are missing",
    )  # fmt: skip
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--shapes", nargs="+", default=SHAPES, metavar="BATCHxLENGTH")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.1, help="of one turn")
    parser.add_argument("--json", type=pathlib.Path, help="write all figures there")
    parser.add_argument(
        "--output", type=pathlib.Path,
        help="the page to write a section of; by default docs/Performance.md, if all "
        "models and shapes are measured",
    )  # fmt: skip
    add_options(parser)
    options = parser.parse_args()
    if options.output is None and (options.models, options.shapes) == (MODELS, SHAPES):
        options.output = ROOT / "docs/Performance.md"
    return options


def make_inputs(shape):
    """Ids and a mask; the first text is as long as there is room for."""
    import numpy as np

    batch, length = map(int, shape.split("x"))
    generator = np.random.default_rng(0)
    lengths = generator.integers(length // 2, length + 1, batch)
    lengths[0] = length
    mask = (np.arange(length) < lengths[:, None]).astype(np.int64)
    return {
        "input_ids": generator.integers(1, WORDS - 1, (batch, length)),
        "attention_mask": mask,
    }


class Attn:
    """A program of its own for each turn: compiled code is in the cache."""

    def __init__(self, program, model, folder, inputs, threads):
        import numpy as np

        self.folder = folder
        module = model.with_suffix(".mlir")
        subprocess.run([program, "import", model, "-o", module], check=True)
        self.command = [program, "run", module, "--threads", str(threads)]
        self.command += ["--cache-dir", model.parent / "cache"]
        for name, array in inputs.items():
            np.save(folder / f"{name}.npy", array)
            self.command += ["--input", folder / f"{name}.npy"]

    def output(self):
        import numpy as np

        subprocess.run([*self.command, "--output-dir", self.folder], check=True)
        return np.load(self.folder / "result0.npy")

    def measure(self, calls):
        """The median milliseconds of a call."""
        command = [*self.command, "--bench", str(calls)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        return json.loads(output)["median_ms"]


class OnnxRuntime:
    def __init__(self, model, inputs, threads):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        self.inputs = inputs

    def output(self):
        return self.session.run(None, self.inputs)[0]

    def measure(self, calls):
        times = []
        for _ in range(calls + 1):  # the first one warms up
            start = time.perf_counter()
            self.output()
            times.append(time.perf_counter() - start)
        time.sleep(PAUSE_SECONDS)
        return statistics.median(times[1:]) * 1e3


def measure(options, name, shape, threads, folder):
    """Returns what was found for one model, shape and number of threads."""
    inputs, model = make_inputs(shape), options.folder / f"{name}.onnx"
    engines = {
        "attn": Attn(options.attn, model, folder, inputs, threads),
        "onnxruntime": OnnxRuntime(model, inputs, threads),
    }
    # Rows that are padding may be anything.
    outputs = [engine.output()[inputs["attention_mask"] != 0] for engine in engines.values()]
    error = float(abs(outputs[0] - outputs[1]).max())
    calls = max(3, int(options.seconds * 1e3 / engines["onnxruntime"].measure(1)))
    rounds = {engine: [] for engine in engines}
    for _ in range(options.rounds):
        for engine, object in engines.items():
            rounds[engine].append(object.measure(calls))
    times = {engine: statistics.median(found) for engine, found in rounds.items()}
    return {"model": name, "shape": shape, "threads": threads, "error": error,
            "rounds_ms": rounds, **times}  # fmt: skip


def flops(name, shape):
    """Of the products: projections, the feed-forward and attention."""
    import export_encoders

    sizes = export_encoders.SHAPES[name.rpartition("-")[0]]
    batch, length = map(int, shape.split("x"))
    weights = 4 * sizes["width"] ** 2 + 2 * sizes["width"] * sizes["hidden"]
    layer = 2 * weights + 4 * length * sizes["width"]
    return batch * length * sizes["layers"] * layer


def reached(figures):
    """How many of the cases are as fast as is asked for."""
    cases = figures["cases"]
    good = sum(case["onnxruntime"] >= AT_LEAST * case["attn"] for case in cases)
    return f"{good} of {len(cases)}"


def results(figures):
    rows = []
    for case in figures["cases"]:
        ratio = case["onnxruntime"] / case["attn"]
        speed = flops(case["model"], case["shape"]) / case["attn"] * 1e-6
        peak = figures["peak"][str(case["threads"])]
        rows.append(
            [case["model"], case["shape"], str(case["threads"]), f"{case['attn']:.2f}",
             f"{case['onnxruntime']:.2f}", f"{ratio:.2f}",
             sections.mark(ratio >= AT_LEAST), f"{speed:.0f}", f"{speed / peak:.0%}",
             f"{ratio * peak / speed:.2f}", f"{case['error']:.1e}"]
        )  # fmt: skip
    return sections.table(
        ["model", "batch × length", "threads", "attn ms", "ONNX Runtime ms", "ratio",
         f"{AT_LEAST} reached", "GFLOP/s", "of peak", "ratio at the peak", "error"],
        rows,
    )  # fmt: skip


def export(options):
    missing = [n for n in options.models if not (options.folder / f"{n}.onnx").exists()]
    if missing:
        shapes, exporters = zip(*(name.rsplit("-", 1) for name in missing))
        command = [sys.executable, ROOT / "utils/export_encoders.py", options.folder]
        command += ["--shapes", *set(shapes), "--exporters", *set(exporters)]
        subprocess.run(command, check=True)


def main():
    options = parse_arguments()
    enter_environment(options.peers, NEEDED)
    sys.path.append(str(ROOT / "utils"))
    import onnxruntime

    export(options)
    figures = {"processor": machine.processor(), "rounds": options.rounds,
               "version": onnxruntime.__version__, "peak": {}, "cases": []}  # fmt: skip
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        turns = Turns(options, [])
        for threads in options.threads:
            figures["peak"][str(threads)] = turns.peak(threads)["f32"]
        for name in options.models:
            for shape in options.shapes:
                for threads in options.threads:
                    with turns.alone():
                        found = measure(options, name, shape, threads, folder)
                    figures["cases"].append(found)
                    print({**found, "rounds_ms": None}, file=sys.stderr, flush=True)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    parts = {
        "results": results(figures),
        "reached": reached(figures),
        "at_least": str(AT_LEAST),
        **{name: str(figures[name]) for name in ("processor", "version", "rounds")},
    }
    print(parts["results"], f"{AT_LEAST} reached: {parts['reached']}", sep="\n")
    if options.output:
        sections.write(options.output, TEMPLATE, parts)
    worst = max(case["error"] for case in figures["cases"])
    if not worst <= TOLERANCE:
        sys.exit(f"error: expected outputs within {TOLERANCE:g} of ONNX Runtime's, got {worst:g}")


if __name__ == "__main__":
    main()
