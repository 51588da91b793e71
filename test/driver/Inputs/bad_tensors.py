# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Write a good 4x8 array of f32, and .npy files that do not fit in its place."""
import pathlib
import sys

import numpy as np

out = pathlib.Path(sys.argv[1])
a = np.arange(32, dtype=np.float32).reshape(4, 8)
np.save(out / "a.npy", a)
np.save(out / "wide.npy", np.zeros((4, 9), np.float32))
np.save(out / "flat.npy", a.reshape(-1))
np.save(out / "double.npy", a.astype(np.float64))
np.save(out / "objects.npy", np.array([[None] * 8] * 4), allow_pickle=True)
np.save(out / "big-endian.npy", a.astype(">f4"))
np.save(out / "zero.npy", np.int32(0))
data = (out / "a.npy").read_bytes()
(out / "truncated.npy").write_bytes(data[:-5])
# A shape whose size in bytes wraps around to the right one.
lie = data.replace(b"(4, 8), }" + b" " * 20, b"(4, 4611686018427387912), }" + b"  ")
assert lie != data and len(lie) == len(data)
(out / "liar.npy").write_bytes(lie)
