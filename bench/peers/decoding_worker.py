#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A process in which one engine waits to decode; bench/decoding.py starts it.

    bench/peers/decoding_worker.py ENGINE CHECKPOINT --convert MODEL
    bench/peers/decoding_worker.py ENGINE MODEL SETTINGS

The first writes the checkpoint in the engine's own form. The second loads that and
answers each line of JSON (`sources`, `beam_size`, `batch_size`, `steps`) with one:
the `seconds` that it took, the token ids, and the greatest memory so far.
"""

import json
import os
import pathlib
import sys
import time


def batches(command):
    for at in range(0, len(command["sources"]), command["batch_size"]):
        yield command["sources"][at : at + command["batch_size"]]


class Transformers:
    """Hugging Face transformers on PyTorch."""

    def __init__(self, model, threads):
        import torch
        import transformers

        torch.set_num_threads(threads)
        self.version = f"{transformers.__version__} on PyTorch {torch.__version__}"
        self.model = self.load(model, threads).eval()

    @staticmethod
    def convert(checkpoint, model):
        model.symlink_to(checkpoint.resolve())

    def load(self, model, threads):
        import torch
        import transformers

        return transformers.AutoModelForSeq2SeqLM.from_pretrained(
            model, dtype=torch.float32
        )

    def translate(self, command):
        import torch

        outputs = []
        for batch in batches(command):
            ids = torch.tensor(batch)
            with torch.inference_mode():
                generated = self.model.generate(
                    input_ids=ids,
                    attention_mask=torch.ones_like(ids),
                    num_beams=command["beam_size"],
                    do_sample=False,
                    # The start token counts, and comes first.
                    min_length=command["steps"] + 1,
                    max_length=command["steps"] + 1,
                )
            outputs += [row[1:] for row in generated.tolist()]
        return outputs


class OpenVINO(Transformers):
    """OpenVINO's decoder in the search of transformers, by optimum-intel."""

    @staticmethod
    def convert(checkpoint, model):
        from optimum.intel import OVModelForSeq2SeqLM

        OVModelForSeq2SeqLM.from_pretrained(checkpoint, export=True).save_pretrained(model)

    def load(self, model, threads):
        import importlib.metadata

        import openvino
        from optimum.intel import OVModelForSeq2SeqLM

        optimum = importlib.metadata.version("optimum-intel")
        self.version = f"{openvino.__version__.partition('-')[0]}, optimum-intel {optimum}"
        config = {
            "INFERENCE_PRECISION_HINT": "f32",
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
            str(model),
            inter_threads=workers,
            intra_threads=threads,
            compute_type="float32",
        )
        # Its input are tokens; the vocabulary has them in order.
        self.tokens = json.loads((model / "shared_vocabulary.json").read_text("utf-8"))

    @staticmethod
    def convert(checkpoint, model):
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(str(checkpoint)).convert(str(model), quantization="float32")

    def translate(self, command):
        # It cuts what it gets into batches, for all workers at once. One sentence
        # at a time, the next one comes when the one before is done.
        calls = [command["sources"]]
        if command["batch_size"] == 1:
            calls = [[source] for source in command["sources"]]
        results = []
        for sources in calls:
            results += self.translator.translate_batch(
                [[self.tokens[id] for id in source] for source in sources],
                beam_size=command["beam_size"],
                max_batch_size=command["batch_size"],
                min_decoding_length=command["steps"],
                max_decoding_length=command["steps"],
            )
        return [result.hypotheses[0] for result in results]


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
        return engine.convert(model, pathlib.Path(sys.argv[4]))
    # Libraries may print; what is for bench/decoding.py goes its own way.
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
