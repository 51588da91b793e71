# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Make copies of a checkpoint, each with one thing wrong.

    corrupt.py MODEL OUT

OUT/KIND is a checkpoint for every KIND below. Files that are as they were are
links, and only the beginning of the weights is written where that is enough.
"""
import json
import os
import pathlib
import shutil
import struct
import sys

MODEL, OUT = map(pathlib.Path, sys.argv[1:])
WEIGHTS = "model.safetensors"
TENSOR = "model.encoder.layers.0.fc1.weight"


def checkpoint(kind, without=()):
    directory = OUT / kind
    directory.mkdir(parents=True)
    for path in MODEL.iterdir():
        if path.name not in without:
            os.symlink(path.resolve(), directory / path.name)
    return directory


def replace(kind, name, data):
    (checkpoint(kind, without=[name]) / name).write_bytes(data)


def change_json(kind, name, change):
    value = json.loads((MODEL / name).read_text(encoding="utf-8"))
    change(value)
    replace(kind, name, json.dumps(value).encode())


def read_header():
    with open(MODEL / WEIGHTS, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(length)), 8 + length


def change_header(kind, change):
    """The tensors' bytes stay: a hole of the right size, without blocks."""
    header, start = read_header()
    size = (MODEL / WEIGHTS).stat().st_size - start
    change(header)
    text = json.dumps(header).encode()
    path = checkpoint(kind, without=[WEIGHTS]) / WEIGHTS
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + size)


def set_field(name, field, value):
    return lambda header: header[name].__setitem__(field, value)


def transpose(header):
    header[TENSOR]["shape"] = header[TENSOR]["shape"][::-1]


def rename(header):
    header["something.else"] = header.pop(TENSOR)


def shift(header):
    begin, end = header[TENSOR]["data_offsets"]
    header[TENSOR]["data_offsets"] = [begin - 2, end - 2]


shutil.rmtree(OUT, ignore_errors=True)

# The weights file.
checkpoint("weights-missing", without=[WEIGHTS])
(checkpoint("weights-directory", without=[WEIGHTS]) / WEIGHTS).mkdir()
replace("weights-empty", WEIGHTS, b"")
replace("weights-five-bytes", WEIGHTS, b"abcde")
with open(MODEL / WEIGHTS, "rb") as weights:
    beginning = weights.read(1 << 20)
replace("weights-truncated", WEIGHTS, beginning)
replace("header-truncated", WEIGHTS, beginning[:1000])
replace("header-length-huge", WEIGHTS, struct.pack("<Q", 2**64 - 1) + beginning[8:])
replace("header-not-json", WEIGHTS, struct.pack("<Q", 8) + b"{'a': 1}")
replace("header-array", WEIGHTS, struct.pack("<Q", 2) + b"[]")
replace("header-deep", WEIGHTS, struct.pack("<Q", 10**6) + b"[" * 10**6)
replace("header-not-utf8", WEIGHTS, struct.pack("<Q", 8) + b'{"\xff\xfe":1}'[:8])
huge = 2**64 - 2
change_header("offsets-overflow", set_field(TENSOR, "data_offsets", [2, huge]))
change_header("offsets-negative", set_field(TENSOR, "data_offsets", [-4, 4]))
change_header("offsets-reversed", set_field(TENSOR, "data_offsets", [8, 4]))
change_header("offsets-missing", lambda header: header[TENSOR].pop("data_offsets"))
change_header("offsets-overlap", shift)
change_header("shape-overflow", set_field(TENSOR, "shape", [2**32, 2**32, 256]))
change_header("shape-negative", set_field(TENSOR, "shape", [-1024, -256]))
change_header("shape-fraction", set_field(TENSOR, "shape", [1024.5, 256]))
change_header("shape-lies", set_field(TENSOR, "shape", [1024, 512]))
change_header("shape-wrong", transpose)
change_header("dtype-wrong", set_field(TENSOR, "dtype", "I16"))
change_header("dtype-unknown", set_field(TENSOR, "dtype", "F7"))
change_header("tensor-missing", rename)

# The configuration.
checkpoint("config-missing", without=["config.json"])
replace("config-not-json", "config.json", b"{")
for kind, key, value in [
    ("architecture-unknown", "model_type", "bert"),
    ("activation-unknown", "activation_function", "mish"),
    ("heads-uneven", "encoder_attention_heads", 3),
    ("heads-zero", "encoder_attention_heads", 0),
    ("layers-huge", "encoder_layers", 2**31 - 1),
    ("width-string", "d_model", "wide"),
    ("width-lies", "d_model", 512),
    ("start-token-outside", "decoder_start_token_id", 8001),
    ("positions-huge", "max_position_embeddings", 2**31 - 1),
]:
    change_json(kind, "config.json", lambda config: config.update({key: value}))
replace("generation-not-json", "generation_config.json", b"not json")
change_json(
    "beams-zero", "generation_config.json", lambda config: config.update(num_beams=0)
)
change_json(
    "beams-huge",
    "generation_config.json",
    lambda config: config.update(num_beams=2**31 - 1),
)

# The vocabulary and the tokeniser.
checkpoint("vocabulary-missing", without=["vocab.json"])
replace("vocabulary-not-json", "vocab.json", b'{"a": 0')
change_json("unk-missing", "vocab.json", lambda words: words.pop("<unk>"))
change_json("end-missing", "vocab.json", lambda words: words.pop("</s>"))
change_json("end-elsewhere", "vocab.json", lambda words: words.update({list(words)[9]: 0, "</s>": 9}))
change_json("id-outside", "vocab.json", lambda words: words.update({"▁you": 8001}))
change_json("id-negative", "vocab.json", lambda words: words.update({"▁you": -1}))
change_json("id-twice", "vocab.json", lambda words: words.update({"▁you": 9}))
checkpoint("source-spm-missing", without=["source.spm"])
checkpoint("target-spm-missing", without=["target.spm"])
replace("source-spm-broken", "source.spm", b"not a model\n" * 100)
