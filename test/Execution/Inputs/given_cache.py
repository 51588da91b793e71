# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Append to a cache that a caller gives away and to one that it keeps: the same
result."""
import pathlib
import subprocess
import sys

import numpy as np
import reference_ops as reference

CACHE, NEW = "tensor<?x?x16xf32>", "tensor<?x?x16xf32>"


def function(name, attributes):
    return f"""
func.func @{name}(%new: {NEW}, %at: tensor<?xi32>, %cache: {CACHE}{attributes}) -> {CACHE} {{
  %r = attn.cache_append %new at %at outs(%cache) : ({NEW}, tensor<?xi32>, {CACHE}) -> {CACHE}
  return %r : {CACHE}
}}
"""


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    new, cache = (rng.standard_normal((3, n, 16), np.float32) for n in (2, 9))
    at = np.array([0, 7, 3], np.int32)
    wanted = reference.cache_append(new, at, cache)
    module = folder / "module.mlir"
    module.write_text(function("given", ' {attn.role = "cache"}') + function("kept", ""))
    command = ["attn", "run", module, f"--output-dir={folder}"]
    for name, array in {"new": new, "at": at, "cache": cache}.items():
        np.save(folder / f"{name}.npy", array)
        command.append(f"--input={folder / name}.npy")
    for entry in ("given", "kept"):
        subprocess.run([*command, f"--entry={entry}"], check=True)
        got = np.load(folder / "result0.npy")
        np.testing.assert_array_equal(got, wanted, err_msg=entry)
        print(f"{entry}: right")


if __name__ == "__main__":
    main()
