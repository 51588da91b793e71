#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare the speed of compiled kernels with that of the libraries.

    bench/kernels.py                                    # all, writes docs/Performance.md
    bench/kernels.py --quick --cases 'attention-*'      # some, prints only
    bench/kernels.py --engines attn pytorch --cases 'feed-forward-bf16-*'

Installs PyTorch, ONNX Runtime, OpenVINO and IREE into a virtual environment
(bench/setup.sh) where they are missing. Each case is a function in
bench/kernels/*.mlir in upstream's operations. On each case the engines take
turns in one run, so that a noisy machine is noisy for all, and are compared by
the medians of their rounds. Every result is compared with one in float64.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import machine
from turns import add_options

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
TEMPLATE = BENCH / "kernels/Performance.md.in"
ENGINES = ["attn", "pytorch", "onnxruntime", "openvino", "iree"]
NEEDED = ["torch", "onnxruntime", "openvino", "onnx", "iree", "numpy", "ml_dtypes"]


def parse_arguments():
    parser = machine.make_parser(__doc__)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--cases", nargs="+", default=["*"], help="names, also with *")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.3, help="of one turn")
    parser.add_argument("--quick", action="store_true", help="three rounds of 0.1 s")
    parser.add_argument("--json", type=pathlib.Path, help="write all figures there")
    parser.add_argument(
        "--output", type=pathlib.Path,
        help="where to write the page; by default docs/Performance.md, if all "
        "cases and engines are measured and not quickly",
    )  # fmt: skip
    parser.add_argument("--log", default=os.devnull, help="what the engines say")
    add_options(parser)
    # Turns are short: they are worth trying often.
    parser.set_defaults(tries=8)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 0.1
    elif options.output is None and (options.engines, options.cases) == (ENGINES, ["*"]):
        options.output = ROOT / "docs/Performance.md"
    return options


def enter_environment(directory, needed):
    """Goes on in the virtual environment, with the modules needed installed."""
    if pathlib.Path(sys.prefix).resolve() == directory.resolve():
        return
    python = directory / "bin/python"
    script = (
        "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
    )
    check = [python, "-c", script, *needed]
    if not python.exists() or subprocess.run(check).returncode:
        subprocess.run([BENCH / "setup.sh", directory], check=True)
    os.execv(python, [str(python), *sys.argv])


def main():
    options = parse_arguments()
    enter_environment(options.peers, NEEDED)
    import kernel_bench
    import kernel_report
    import sections

    # Processes that wait would outlive this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with (
        open(options.log, "w") as log,
        contextlib.closing(kernel_bench.Bench(options)) as bench,
    ):
        bench.start(log)
        figures = bench.measure_all(kernel_report.progress)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    print(kernel_report.tables(bench.cases, figures))
    if options.output:
        parts = kernel_report.parts(bench.cases, figures)
        sections.write(options.output, TEMPLATE, parts)


if __name__ == "__main__":
    main()
