# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Write a tiny Marian checkpoint without tokeniser files.

    variant.py OUT [KEY=VALUE …] [+TENSOR=SHAPE …] [-TENSOR …] [--dtype DTYPE]

KEY=VALUE changes config.json, +TENSOR adds or reshapes a tensor, -TENSOR leaves
one out. Everything in the file is zero: only names, types and shapes matter.
"""
import json
import pathlib
import sys

import make_checkpoint
import numpy as np

CONFIG = {
    "model_type": "marian",
    "d_model": 8,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 16,
    "decoder_ffn_dim": 12,
    "activation_function": "relu",
    "vocab_size": 10,
    "max_position_embeddings": 32,
    "scale_embedding": False,
    "pad_token_id": 9,
    "decoder_start_token_id": 9,
    "eos_token_id": 0,
}


def tensor_shapes(config):
    width, shapes = config["d_model"], {}
    shapes["model.shared.weight"] = [config["vocab_size"], width]
    for side in ("encoder", "decoder"):
        ffn = config[f"{side}_ffn_dim"]
        attentions = ["self_attn"] + (["encoder_attn"] if side == "decoder" else [])
        for i in range(config[f"{side}_layers"]):
            layer = f"model.{side}.layers.{i}."
            for name in attentions:
                for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                    shapes[f"{layer}{name}.{part}.weight"] = [width, width]
                    shapes[f"{layer}{name}.{part}.bias"] = [width]
            shapes[f"{layer}fc1.weight"] = [ffn, width]
            shapes[f"{layer}fc1.bias"] = [ffn]
            shapes[f"{layer}fc2.weight"] = [width, ffn]
            shapes[f"{layer}fc2.bias"] = [width]
            for name in [a + "_layer_norm" for a in attentions] + ["final_layer_norm"]:
                shapes[f"{layer}{name}.weight"] = [width]
                shapes[f"{layer}{name}.bias"] = [width]
    return shapes


def main():
    out, arguments = pathlib.Path(sys.argv[1]), sys.argv[2:]
    config, dtype = dict(CONFIG), "f32"
    if "--dtype" in arguments:
        at = arguments.index("--dtype")
        dtype = arguments[at + 1]
        del arguments[at : at + 2]
    for argument in arguments:
        if argument[0] not in "+-":
            key, value = argument.split("=")
            config[key] = json.loads(value)
    shapes = tensor_shapes(config)
    for argument in arguments:
        if argument[0] == "+":
            name, shape = argument[1:].split("=")
            shapes[name] = json.loads(shape)
        elif argument[0] == "-":
            del shapes[argument[1:]]
    out.mkdir(parents=True, exist_ok=True)
    (out / "config.json").write_text(json.dumps(config))
    make_checkpoint.write_safetensors(
        out / "model.safetensors",
        {name: np.zeros(shape) for name, shape in shapes.items()},
        dtype,
    )


main()
