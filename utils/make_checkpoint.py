#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Write a random checkpoint in the Hugging Face MarianMT layout (needs NumPy).

    utils/make_checkpoint.py OUT       # OPUS-MT size: 512 wide, 6+6 layers
    utils/make_checkpoint.py OUT --d-model 256 --layers 24 12 --dtype bf16

The words mean nothing, the sizes and the cost do. The same options give the
same bytes.
"""
import argparse
import json
import pathlib
import shutil

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument(
        "--like",
        type=pathlib.Path,
        default=ROOT / "models/tatoeba-en-fr",
        help="checkpoint whose tokeniser files are copied",
    )
    parser.add_argument("--d-model", type=int, default=512)
    parser.add_argument("--ffn", type=int, default=2048)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument(
        "--layers", type=int, nargs=2, default=[6, 6], metavar=("ENC", "DEC")
    )
    parser.add_argument("--vocab", type=int, default=58101)
    parser.add_argument(
        "--activation", default="swish", choices=["swish", "relu", "gelu"]
    )
    parser.add_argument(
        "--gain",
        type=float,
        default=1.0,
        help="scales what layers add: above 2, outputs depend on the input",
    )
    parser.add_argument(
        "--separate", action="store_true", help="embeddings that are not shared"
    )
    parser.add_argument("--dtype", default="f32", choices=["f32", "f16", "bf16"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    words = len(read_json(arguments.like / "vocab.json"))
    if arguments.vocab < words:
        parser.error(f"--vocab must be at least {words}")
    return arguments


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path, value, **options):
    path.write_text(json.dumps(value, **options), encoding="utf-8")


def make_vocabulary(arguments):
    """Those of --like with fillers, the padding token last."""
    words = read_json(arguments.like / "vocab.json")
    vocabulary = {word: id for word, id in words.items() if word != "<pad>"}
    while len(vocabulary) < arguments.vocab - 1:
        vocabulary[f"▁filler{len(vocabulary)}"] = len(vocabulary)
    vocabulary["<pad>"] = arguments.vocab - 1
    return vocabulary


def make_tensors(arguments):
    rng = np.random.default_rng(arguments.seed)
    width = arguments.d_model
    tensors = {}

    def linear(name, inputs, outputs):
        bound = arguments.gain * (6 / (inputs + outputs)) ** 0.5
        tensors[name + ".weight"] = rng.uniform(-bound, bound, (outputs, inputs))
        tensors[name + ".bias"] = rng.normal(0, 0.02, outputs)

    def norm(name):
        tensors[name + ".weight"] = 1 + rng.normal(0, 0.02, width)
        tensors[name + ".bias"] = rng.normal(0, 0.02, width)

    names = ["shared"]
    if arguments.separate:
        names = ["encoder.embed_tokens", "decoder.embed_tokens"]
    for name in names:
        embedding = rng.normal(0, width**-0.5, (arguments.vocab, width))
        embedding[-1] = 0  # padding, which decoding starts from
        tensors[f"model.{name}.weight"] = embedding
    tensors["final_logits_bias"] = np.zeros((1, arguments.vocab))
    for side, count in zip(("encoder", "decoder"), arguments.layers):
        attentions = ["self_attn"] + (["encoder_attn"] if side == "decoder" else [])
        for i in range(count):
            layer = f"model.{side}.layers.{i}."
            for attention in attentions:
                for letter in "qkv":
                    linear(layer + f"{attention}.{letter}_proj", width, width)
                linear(layer + f"{attention}.out_proj", width, width)
                norm(layer + f"{attention}_layer_norm")
            linear(layer + "fc1", width, arguments.ffn)
            linear(layer + "fc2", arguments.ffn, width)
            norm(layer + "final_layer_norm")
    return tensors


def to_bytes(values, dtype):
    values = np.ascontiguousarray(values, dtype=np.float32)
    if dtype == "f16":
        return values.astype(np.float16).tobytes()
    if dtype == "bf16":  # NumPy has none: round to nearest even by hand.
        bits = values.view(np.uint32)
        return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()
    return values.tobytes()


def write_safetensors(path, tensors, dtype):
    header, blobs, position = {"__metadata__": {"format": "pt"}}, [], 0
    for name, values in tensors.items():
        blob = to_bytes(values, dtype)
        header[name] = {
            "dtype": dtype.upper(),
            "shape": list(values.shape),
            "data_offsets": [position, position + len(blob)],
        }
        blobs.append(blob)
        position += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        file.writelines(blobs)


def main():
    arguments = parse_arguments()
    out, like = arguments.out, arguments.like
    out.mkdir(parents=True, exist_ok=True)
    tensors = make_tensors(arguments)
    write_safetensors(out / "model.safetensors", tensors, arguments.dtype)
    vocabulary = make_vocabulary(arguments)
    write_json(out / "vocab.json", vocabulary, ensure_ascii=False)
    if arguments.separate:
        write_json(out / "target_vocab.json", vocabulary, ensure_ascii=False)
    encoder_layers, decoder_layers = arguments.layers
    pad = arguments.vocab - 1
    names = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}
    config = read_json(like / "config.json")
    config.update(
        activation_function=arguments.activation,
        d_model=arguments.d_model,
        decoder_attention_heads=arguments.heads,
        decoder_ffn_dim=arguments.ffn,
        decoder_layers=decoder_layers,
        decoder_start_token_id=pad,
        decoder_vocab_size=arguments.vocab,
        dtype=names[arguments.dtype],
        encoder_attention_heads=arguments.heads,
        encoder_ffn_dim=arguments.ffn,
        encoder_layers=encoder_layers,
        num_hidden_layers=encoder_layers,
        pad_token_id=pad,
        share_encoder_decoder_embeddings=not arguments.separate,
        vocab_size=arguments.vocab,
    )
    write_json(out / "config.json", config, indent=2)
    generation = read_json(like / "generation_config.json")
    generation.update(
        bad_words_ids=[[pad]], decoder_start_token_id=pad, pad_token_id=pad
    )
    write_json(out / "generation_config.json", generation, indent=2)
    for name in ("source.spm", "target.spm", "tokenizer_config.json"):
        shutil.copyfile(like / name, out / name)
    millions = sum(values.size for values in tensors.values()) / 1e6
    print(f"{out}: {millions:.1f} M parameters, {arguments.dtype}")


if __name__ == "__main__":
    main()
