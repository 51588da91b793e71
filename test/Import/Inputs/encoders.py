# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check encoders that utils/export_encoders.py exported with --reference.

    encoders.py MODELS FOLDER --layers N

In each layer there have to be one attention, six linear layers and two norms, and
nothing of what they were written with; and the output has to be that of PyTorch.
T5's norms are of another kind, and all its layers have the same biases by distance.
"""
import argparse
import pathlib
import re
import subprocess

import numpy as np

TOLERANCE = 1e-4


def attn(*command):
    return subprocess.run(
        ["attn", *map(str, command)], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def count(module, wanted):
    text = attn("run", module, "--emit=attn")
    for operation, number in wanted.items():
        found = len(re.findall(rf"{re.escape(operation)}\b", text))
        assert found == number, f"{module}: {number} of {operation} expected, got {found}"


def compare(module, models, folder, threads):
    inputs = [models / f"{name}.npy" for name in ("input_ids", "attention_mask")]
    attn("run", module, *inputs, "--output-dir", folder, "--threads", threads, "--no-cache")
    result = np.load(folder / "result0.npy")
    reference = np.load(models / f"{module.stem.rpartition('-')[0]}.npy")
    assert result.shape == reference.shape, f"{module}: {result.shape}"
    error = abs(result - reference).max()
    assert error <= TOLERANCE, f"{module}: at most {TOLERANCE} expected, got {error}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--layers", type=int, required=True)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    models = sorted(arguments.models.glob("*.onnx"))
    assert len(models) == 6, f"six models expected, got {len(models)}"
    for model in models:
        module = arguments.folder / f"{model.stem}.mlir"
        attn("import", model, "-o", module)
        layers = arguments.layers
        wanted = {
            "attn.sdpa": layers, "attn.linear": 6 * layers,
            "linalg.softmax": 0, "math.exp": 0, "math.erf": 0, "linalg.transpose": 0,
        }  # fmt: skip
        if model.stem.startswith("t5"):
            wanted |= {"biases": layers, "math.log": 1}
        else:
            # BERT normalises its embeddings too.
            norms = 2 * layers + model.stem.startswith("bert")
            wanted |= {"attn.layer_norm": norms, "math.sqrt": 0}
        count(module, wanted)
        for threads in (1, 2):
            compare(module, arguments.models, arguments.folder, threads)


if __name__ == "__main__":
    main()
