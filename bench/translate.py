#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare the speed of `attn translate` with that of other engines.

    bench/setup.sh
    build/peers/bin/python bench/translate.py
    build/peers/bin/python bench/translate.py --beam-size 4 --engines attn ctranslate2

All engines translate the same token ids, take turns in one run so that a noisy
machine is noisy for all, and are compared by the medians of their rounds.
Counted is translating: neither start, nor loading, nor compiling.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Attn:
    """The program, started for each round; it says how long it translated."""

    dtype = "f32"

    def __init__(self, options, directory):
        self.input = directory / "source.ids"
        self.input.write_text("".join(f"{' '.join(map(str, s))}\n" for s in options.sentences))
        self.command = [
            options.attn, "translate", "--stats", f"--dtype={self.dtype}",
            "--input-format=ids", "--output-format=ids", f"--input={self.input}",
            f"--model={options.model}", f"--threads={options.threads}",
            f"--batch-size={options.batch_size}", f"--beam-size={options.beam_size}",
        ]  # fmt: skip

    def translate(self):
        result = subprocess.run(self.command, capture_output=True, text=True)
        if result.returncode:
            sys.exit(f"{self.command[0]} failed: {result.stderr.strip()}")
        stats = json.loads(result.stderr.strip().splitlines()[-1])
        outputs = [list(map(int, l.split())) for l in result.stdout.splitlines()]
        return stats["translate_s"], outputs


class AttnBf16(Attn):
    """The same with products of bf16."""

    dtype = "bf16"


class AttnInt8(Attn):
    """The same with products of eight bits."""

    dtype = "int8"


class Transformers:
    """Hugging Face transformers on PyTorch, float32."""

    def __init__(self, options, directory):
        import torch
        import transformers

        torch.set_num_threads(options.threads)
        self.torch, self.options = torch, options
        self.model = transformers.AutoModelForSeq2SeqLM.from_pretrained(
            options.model, dtype=torch.float32
        ).eval()
        self.config = self.model.generation_config

    def translate(self):
        torch, sentences = self.torch, self.options.sentences
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        outputs = [None] * len(sentences)
        start = time.perf_counter()
        with torch.inference_mode():
            for at in range(0, len(order), self.options.batch_size):
                batch = order[at : at + self.options.batch_size]
                longest = max(len(sentences[i]) for i in batch)
                ids = torch.full((len(batch), longest), self.config.pad_token_id)
                for row, i in enumerate(batch):
                    ids[row, : len(sentences[i])] = torch.tensor(sentences[i])
                generated = self.model.generate(
                    input_ids=ids,
                    attention_mask=(ids != self.config.pad_token_id).long(),
                    num_beams=self.options.beam_size,
                    do_sample=False,
                )
                for row, i in enumerate(batch):
                    outputs[i] = self.trim(generated[row].tolist())
        return time.perf_counter() - start, outputs

    def trim(self, ids):
        ids = ids[1:]  # the start token
        end = self.config.eos_token_id
        return ids[: ids.index(end)] if end in ids else ids


class CTranslate2:
    """CTranslate2, one worker of one thread for each thread: its best here."""

    compute_type = "float32"

    def __init__(self, options, directory):
        import ctranslate2

        self.options = options
        converted = directory / f"ctranslate2-{self.compute_type}"
        ctranslate2.converters.TransformersConverter(str(options.model)).convert(
            str(converted), quantization=self.compute_type
        )
        self.translator = ctranslate2.Translator(
            str(converted),
            inter_threads=options.threads,
            intra_threads=1,
            compute_type=self.compute_type,
        )
        vocabulary = json.loads((options.model / "vocab.json").read_text("utf-8"))
        self.ids = vocabulary
        tokens = {id: token for token, id in vocabulary.items()}
        self.tokens = [[tokens[id] for id in s] for s in options.sentences]
        config = json.loads((options.model / "generation_config.json").read_text())
        self.max_length = config["max_length"]

    def translate(self):
        # Batches of one: one after the other, which one thread does fastest.
        one = self.options.batch_size == 1
        start = time.perf_counter()
        results = [
            result
            for tokens in ([[t] for t in self.tokens] if one else [self.tokens])
            for result in self.translator.translate_batch(
                tokens,
                beam_size=self.options.beam_size,
                max_batch_size=self.options.batch_size,
                max_decoding_length=self.max_length,
            )
        ]
        seconds = time.perf_counter() - start
        return seconds, [[self.ids[t] for t in r.hypotheses[0]] for r in results]


class CTranslate2Int8(CTranslate2):
    """The same with weights of eight bits, which change the output."""

    compute_type = "int8"


ENGINES = {
    "attn": Attn,
    "attn-bf16": AttnBf16,
    "attn-int8": AttnInt8,
    "transformers": Transformers,
    "ctranslate2": CTranslate2,
    "ctranslate2-int8": CTranslate2Int8,
}


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--attn", default=str(ROOT / "build/bin/attn"))
    parser.add_argument(
        "--model", type=pathlib.Path, default=ROOT / "models/tatoeba-en-fr"
    )
    parser.add_argument(
        "--ids",
        type=pathlib.Path,
        default=ROOT / "test/reference/test/test.src.ids",
        help="one sentence of token ids a line",
    )
    parser.add_argument(
        "--engines",
        nargs="+",
        choices=ENGINES,
        default=["attn", "transformers"],
        help="what is compared; ratios are to the first",
    )
    parser.add_argument("--limit", type=int, help="only the first N sentences")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--beam-size", type=int, default=1)
    options = parser.parse_args()
    lines = options.ids.read_text().splitlines()[: options.limit]
    options.sentences = [list(map(int, line.split())) for line in lines]
    return options


def main():
    options = parse_arguments()
    with tempfile.TemporaryDirectory() as directory:
        engines = {
            name: ENGINES[name](options, pathlib.Path(directory))
            for name in options.engines
        }
        seconds = {name: [] for name in engines}
        outputs = {}
        # The first round warms up files, allocators and the code cache.
        for number in range(options.rounds + 1):
            for name, engine in engines.items():
                spent, outputs[name] = engine.translate()
                if number:
                    seconds[name].append(spent)

    first = options.engines[0]
    base = statistics.median(seconds[first])
    print(
        f"{len(options.sentences)} sentences, beam {options.beam_size}, batch "
        f"{options.batch_size}, {options.threads} threads, median of "
        f"{options.rounds} rounds\n"
    )
    print(f"| engine | median s | min s | sentences/s | time / {first} | same output |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, times in seconds.items():
        median = statistics.median(times)
        same = sum(a == b for a, b in zip(outputs[name], outputs[first]))
        print(
            f"| {name} | {median:.2f} | {min(times):.2f} | "
            f"{len(options.sentences) / median:.0f} | {median / base:.2f} | {same} |"
        )


if __name__ == "__main__":
    main()
