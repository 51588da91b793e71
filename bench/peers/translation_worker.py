#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A process in which one engine waits to translate; bench/decoding.py and others
start it.

    bench/peers/translation_worker.py ENGINE CHECKPOINT --convert MODEL f32|bf16|int8
    bench/peers/translation_worker.py ENGINE MODEL SETTINGS

The first writes the checkpoint in the engine's own form. The second loads that and
answers each line of JSON (`sources`, `beam_size`, `batch_size`, `steps`) with one:
the `seconds` that it took, the token ids, and the greatest memory so far. `steps`
is how many tokens it has to write, or null: until it has written the end token,
which is not among the ids then.
"""

import json
import os
import pathlib
import sys
import time


def sorted_by_length(command):
    """Batches of (place, source): those of a batch are of similar length."""
    order = sorted(enumerate(command["sources"]), key=lambda item: len(item[1]))
    for at in range(0, len(order), command["batch_size"]):
        yield order[at : at + command["batch_size"]]


class Transformers:
    """Hugging Face transformers on PyTorch."""

    def __init__(self, model, threads, dtype="f32"):
        import torch
        import transformers

        torch.set_num_threads(threads)
        self.version = f"{transformers.__version__} on PyTorch {torch.__version__}"
        self.model = self.load(model, threads, dtype).eval()

    @staticmethod
    def convert(checkpoint, model, dtype):
        model.symlink_to(checkpoint.resolve())

    def load(self, model, threads, dtype):
        import torch
        import transformers

        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
        return transformers.AutoModelForSeq2SeqLM.from_pretrained(model, dtype=dtype)

    def translate(self, command):
        import torch

        config, steps = self.model.generation_config, command["steps"]
        # The start token counts, and comes first.
        lengths = {"min_length": steps + 1, "max_length": steps + 1} if steps else {}
        outputs = [None] * len(command["sources"])
        for batch in sorted_by_length(command):
            longest = max(len(source) for _, source in batch)
            ids = torch.full((len(batch), longest), config.pad_token_id)
            for row, (_, source) in enumerate(batch):
                ids[row, : len(source)] = torch.tensor(source)
            with torch.inference_mode():
                generated = self.model.generate(
                    input_ids=ids,
                    attention_mask=(ids != config.pad_token_id).long(),
                    num_beams=command["beam_size"],
                    do_sample=False,
                    **lengths,
                )
            for (place, _), row in zip(batch, generated.tolist(), strict=True):
                outputs[place] = row[1:]
        if steps:
            return outputs
        end = config.eos_token_id
        return [ids[: ids.index(end)] if end in ids else ids for ids in outputs]


class OpenVINO(Transformers):
    """OpenVINO's decoder in the search of transformers, by optimum-intel."""

    @staticmethod
    def convert(checkpoint, model, dtype):
        from optimum.intel import OVModelForSeq2SeqLM

        OVModelForSeq2SeqLM.from_pretrained(checkpoint, export=True).save_pretrained(model)

    def load(self, model, threads, dtype):
        import importlib.metadata

        import openvino
        from optimum.intel import OVModelForSeq2SeqLM

        optimum = importlib.metadata.version("optimum-intel")
        self.version = f"{openvino.__version__.partition('-')[0]}, optimum-intel {optimum}"
        config = {
            "INFERENCE_PRECISION_HINT": dtype,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        found = OVModelForSeq2SeqLM.from_pretrained(model, ov_config=config)
        # Only modules of PyTorch have a mode.
        found.eval = lambda: found
        return found


class CTranslate2:
    def __init__(self, model, threads, workers):
        import ctranslate2

        self.version = ctranslate2.__version__
        self.translator = ctranslate2.Translator(
            str(model), inter_threads=workers, intra_threads=threads
        )
        # Its input are tokens; the vocabulary has them in order.
        self.tokens = json.loads((model / "shared_vocabulary.json").read_text("utf-8"))
        self.ids = {token: id for id, token in enumerate(self.tokens)}

    @staticmethod
    def convert(checkpoint, model, dtype):
        from ctranslate2.converters import TransformersConverter

        names = {"f32": "float32", "int8": "int8"}
        converter = TransformersConverter(str(checkpoint))
        converter.convert(str(model), quantization=names[dtype])

    def translate(self, command):
        # It cuts what it gets into batches, for all workers at once. One sentence
        # at a time, the next one comes when the one before is done.
        calls = [command["sources"]]
        if command["batch_size"] == 1:
            calls = [[source] for source in command["sources"]]
        lengths = {}
        if steps := command["steps"]:
            lengths = {"min_decoding_length": steps, "max_decoding_length": steps}
        results = []
        for sources in calls:
            results += self.translator.translate_batch(
                [[self.tokens[id] for id in source] for source in sources],
                beam_size=command["beam_size"],
                max_batch_size=command["batch_size"],
                **lengths,
            )
        return [[self.ids[token] for token in result.hypotheses[0]] for result in results]


ENGINES = {
    "transformers": Transformers,
    "openvino": OpenVINO,
    "ctranslate2": CTranslate2,
}


def peak_memory_mb():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main():
    engine, model = ENGINES[sys.argv[1]], pathlib.Path(sys.argv[2])
    if sys.argv[3] == "--convert":
        return engine.convert(model, pathlib.Path(sys.argv[4]), sys.argv[5])
    # Libraries may print; what is for the benchmark goes its own way.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker = engine(model, **json.loads(sys.argv[3]))

    def say(value):
        print(json.dumps(value), file=answers, flush=True)

    say({"version": worker.version})
    for line in sys.stdin:
        command = json.loads(line)
        start = time.perf_counter()
        outputs = worker.translate(command)
        seconds = time.perf_counter() - start
        say({"seconds": seconds, "outputs": outputs, "memory_mb": peak_memory_mb()})


if __name__ == "__main__":
    main()
