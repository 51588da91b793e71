# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check encoders that utils/export_encoders.py exported with --reference.

    encoders.py MODELS FOLDER --layers N

In each layer there have to be one attention, six linear layers and two norms, and
nothing of what they were written with; and the output has to be that of PyTorch.
"""
import argparse
import pathlib
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
        found = text.count(f"{operation} ")
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
    assert len(models) == 4, f"four models expected, got {len(models)}"
    for model in models:
        module = arguments.folder / f"{model.stem}.mlir"
        attn("import", model, "-o", module)
        layers = arguments.layers
        # BERT normalises its embeddings too.
        norms = 2 * layers + model.stem.startswith("bert")
        count(module, {
            "attn.sdpa": layers, "attn.linear": 6 * layers, "attn.layer_norm": norms,
            "linalg.softmax": 0, "math.exp": 0, "math.erf": 0, "math.sqrt": 0,
            "linalg.transpose": 0,
        })  # fmt: skip
        for threads in (1, 2):
            compare(module, arguments.models, arguments.folder, threads)


if __name__ == "__main__":
    main()
