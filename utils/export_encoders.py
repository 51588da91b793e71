#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Export random encoders to ONNX (needs torch, transformers, onnx and onnxscript).

    utils/export_encoders.py OUT                  # all shapes, both exporters
    utils/export_encoders.py OUT --shapes bert --exporters torchscript --layers 2
    utils/export_encoders.py test/Import/Inputs/encoders --reference --shapes bert \\
        marian t5 --width 16 --hidden 32 --heads 2 --layers 2 --vocab 24 --positions 12

Writes OUT/<shape>-<exporter>.onnx: token ids and a mask of those that count, i64
of batch x length, to the last layer's f32 of batch x length x width. The weights
mean nothing, the sizes and the cost do. The same options give the same weights.
"""
import argparse
import pathlib
import warnings

import numpy as np
import onnx
import torch
import transformers

# The sizes of BERT-mini and MiniLM, of the model in models/, of OPUS-MT and of
# T5-small.
SHAPES = {
    "bert-mini": {"width": 256, "hidden": 1024, "heads": 4, "layers": 4},
    "bert": {"width": 384, "hidden": 1536, "heads": 12, "layers": 6},
    "marian-mini": {"width": 256, "hidden": 1024, "heads": 4, "layers": 6},
    "marian": {"width": 512, "hidden": 2048, "heads": 8, "layers": 6},
    "t5": {"width": 512, "hidden": 2048, "heads": 8, "layers": 6},
}
EXPORTERS = ["torchscript", "dynamo"]


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument(
        "--exporters", nargs="+", choices=EXPORTERS, default=EXPORTERS,
        help="PyTorch's older one, that traces, and that of torch.export",
    )  # fmt: skip
    for size in SHAPES["bert"]:
        parser.add_argument(f"--{size}", type=int, help="instead of the shape's own")
    parser.add_argument("--vocab", type=int, default=1000)
    parser.add_argument("--positions", type=int, default=512)
    parser.add_argument(
        "--reference", action="store_true",
        help="write OUT/<shape>.npy too, what PyTorch computes, and its inputs",
    )  # fmt: skip
    parser.add_argument("--attention", default="sdpa", choices=["sdpa", "eager"])
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_encoder(shape, sizes, options):
    if shape.startswith("bert"):
        config = transformers.BertConfig(
            vocab_size=options.vocab,
            hidden_size=sizes["width"],
            intermediate_size=sizes["hidden"],
            num_attention_heads=sizes["heads"],
            num_hidden_layers=sizes["layers"],
            max_position_embeddings=options.positions,
            attn_implementation=options.attention,
        )
        return transformers.BertModel(config, add_pooling_layer=False)
    if shape == "t5":
        # With fewer positions, buckets of several distances come earlier.
        config = transformers.T5Config(
            vocab_size=options.vocab,
            d_model=sizes["width"],
            d_kv=sizes["width"] // sizes["heads"],
            d_ff=sizes["hidden"],
            num_heads=sizes["heads"],
            num_layers=sizes["layers"],
            relative_attention_num_buckets=min(options.positions, 32),
            relative_attention_max_distance=min(options.positions, 128),
        )
        return transformers.T5EncoderModel(config)
    config = transformers.MarianConfig(
        vocab_size=options.vocab,
        d_model=sizes["width"],
        encoder_ffn_dim=sizes["hidden"],
        encoder_attention_heads=sizes["heads"],
        encoder_layers=sizes["layers"],
        decoder_layers=1,
        decoder_attention_heads=sizes["heads"],
        max_position_embeddings=options.positions,
        activation_function="swish",
        scale_embedding=True,
        pad_token_id=options.vocab - 1,
        decoder_start_token_id=options.vocab - 1,
        attn_implementation=options.attention,
    )
    return transformers.MarianMTModel(config).get_encoder()


class Encoder(torch.nn.Module):
    """Returns the last layer alone, as a tensor."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask):
        result = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        return result.last_hidden_state


def randomize(encoder, seed):
    """Numbers of a trained network's size, none of them 0 or 1 as at its start:
    biases and norms would fold away."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in encoder.named_parameters():
        if "positions" in name:  # Marian's are sines
            continue
        values = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 2 and "embed" not in name:
            values *= parameter.shape[1] ** -0.5
        elif parameter.dim() == 2:
            # Marian's are multiplied by the root of the width.
            values *= 0.05
        elif "norm" in name.lower() and name.endswith("weight"):
            values = 1 + 0.1 * values
        else:
            values *= 0.1
        parameter.data.copy_(values)


def make_inputs(vocab):
    """Two texts, the second one shorter."""
    ids = torch.randint(1, vocab - 1, (2, 7), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    return {"input_ids": ids, "attention_mask": mask}


def export(encoder, exporter, names, path):
    common = {"input_names": list(names), "output_names": ["last_hidden_state"]}
    if exporter == "dynamo":
        sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
        shapes = {"dynamic_shapes": {name: sizes for name in names}}
    else:
        sizes = {0: "batch", 1: "length"}
        shapes = {"dynamic_axes": {n: sizes for n in [*names, *common["output_names"]]}}
        shapes["opset_version"] = 17
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            encoder, tuple(names.values()), str(path), dynamo=exporter == "dynamo",
            **common, **shapes,
        )  # fmt: skip
    # What says which line of a Python program each node comes from.
    model = onnx.load(path, load_external_data=False)
    for message in [model, model.graph, *model.graph.node, *model.graph.value_info]:
        for field in {"metadata_props", "doc_string"} & set(message.DESCRIPTOR.fields_by_name):
            message.ClearField(field)
    path.write_bytes(model.SerializeToString())


def main():
    options = parse_arguments()
    transformers.logging.set_verbosity_error()
    options.out.mkdir(parents=True, exist_ok=True)
    for shape in options.shapes:
        sizes = {
            name: getattr(options, name) or size for name, size in SHAPES[shape].items()
        }
        encoder = Encoder(make_encoder(shape, sizes, options)).eval()
        randomize(encoder, options.seed)
        inputs = make_inputs(options.vocab)
        if options.reference:
            with torch.no_grad():
                arrays = {**inputs, shape: encoder(**inputs)}
            for name, tensor in arrays.items():
                np.save(options.out / f"{name}.npy", tensor.numpy())
        for exporter in options.exporters:
            path = options.out / f"{shape}-{exporter}.onnx"
            export(encoder, exporter, inputs, path)
            print(path)


if __name__ == "__main__":
    main()
