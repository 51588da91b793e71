# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Damage every file of a cache folder: damage_cache.py DIR truncate|foreign|flip"""
import pathlib
import sys

directory, kind = sys.argv[1:]
paths = [path for path in pathlib.Path(directory).rglob("*") if path.is_file()]
assert paths, "the cache is empty"
for path in paths:
    data = bytearray(path.read_bytes())
    if kind == "truncate":
        data = data[: len(data) // 2]
    elif kind == "foreign":
        data = bytearray(b"#!/bin/sh\necho surprise\n" * 100)
    else:
        data[len(data) // 2] ^= 0x40
    path.unlink()
    path.write_bytes(data)
