#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Translate token ids with Hugging Face transformers, to compare with.

    reference_translate.py --model DIR --input FILE.ids --output FILE.ids \\
        [--beam-size N] [--max-length N] [--scores FILE]
    reference_translate.py --model DIR --random 20 --max-length 33 \\
        --write-input FILE.ids --output FILE.ids

Needs torch and transformers 5. Input: a sentence a line, space-separated ids,
the end token included. Output: the same without start and end token. Computes
in float32 whatever the checkpoint holds.
"""
import argparse
import pathlib
import random
import sys
import time
import warnings

import torch
import transformers


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--input", type=pathlib.Path)
    source.add_argument("--random", type=int, metavar="N", help="N sentences of random ids")
    parser.add_argument("--write-input", type=pathlib.Path, help="where the sentences go")
    parser.add_argument("--seed", type=int, default=0, help="for --random")
    parser.add_argument("--output", type=pathlib.Path, help="default: standard output")
    parser.add_argument("--scores", type=pathlib.Path,
                        help="a score a line: with one beam, the mean log probability of the tokens")
    parser.add_argument("--margins", type=pathlib.Path,
                        help="a line for each sentence: the least difference between the best and the "
                        "second best logit of a step (with one beam), which tells ties from errors")
    parser.add_argument("--limit", type=int, help="only the first N sentences")
    parser.add_argument("--beam-size", type=int, default=1)
    parser.add_argument("--length-penalty", type=float)
    parser.add_argument("--max-length", type=int, help="start and end token included")
    parser.add_argument("--forced-steps", type=int, metavar="N",
                        help="exactly N steps, the end token banned before: for timing")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def read_sentences(args, config):
    if args.input:
        lines = args.input.read_text().splitlines()
        return [[int(i) for i in line.split()] for line in lines][: args.limit]
    generator = random.Random(args.seed)
    usable = min(config.vocab_size, config.pad_token_id)
    return [[generator.randrange(1, usable) for _ in range(generator.randint(3, 30))] + [config.eos_token_id]
            for _ in range(args.random)]


def settings(args, model):
    result = {"num_beams": args.beam_size, "do_sample": False,
              "return_dict_in_generate": True, "output_scores": True}
    if args.length_penalty is not None:
        result["length_penalty"] = args.length_penalty
    if args.max_length is not None:
        result["max_length"] = args.max_length
    if args.forced_steps is not None:
        # The last token may be the forced end, hence one more.
        result["max_length"] = args.forced_steps + 1
        result["min_new_tokens"] = args.forced_steps
        result["forced_eos_token_id"] = None
    return result


def translate(args, model, sentences):
    pad = model.generation_config.pad_token_id
    end = model.generation_config.eos_token_id
    order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
    ids, scores, margins = ([None] * len(sentences) for _ in range(3))
    for begin in range(0, len(order), args.batch_size):
        batch = order[begin : begin + args.batch_size]
        longest = max(len(sentences[i]) for i in batch)
        tokens = torch.tensor([sentences[i] + [pad] * (longest - len(sentences[i])) for i in batch])
        mask = torch.tensor([[1] * len(sentences[i]) + [0] * (longest - len(sentences[i])) for i in batch])
        out = model.generate(input_ids=tokens, attention_mask=mask, **settings(args, model))
        for row, i in enumerate(batch):
            sequence = out.sequences[row].tolist()[1:]
            stop = sequence.index(end) if end in sequence else len(sequence)
            ids[i] = sequence[:stop]
            if args.beam_size > 1:
                scores[i] = out.sequences_scores[row].item()
                continue
            steps = min(stop + 1, len(out.scores))
            steps = [out.scores[step][row].log_softmax(-1) for step in range(steps)]
            scores[i] = sum(s[t].item() for s, t in zip(steps, sequence)) / len(steps)
            best = [s.topk(2).values for s in steps]
            margins[i] = min((b[0] - b[1]).item() for b in best)
    return ids, scores, margins


def main():
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    model = transformers.MarianMTModel.from_pretrained(args.model, dtype=torch.float32).eval()
    sentences = read_sentences(args, model.config)
    if args.write_input:
        args.write_input.write_text("".join(" ".join(map(str, s)) + "\n" for s in sentences))
    start = time.perf_counter()
    with torch.inference_mode():
        ids, scores, margins = translate(args, model, sentences)
    print(f"{len(sentences)} sentences in {time.perf_counter() - start:.2f} s", file=sys.stderr)
    text = "".join(" ".join(map(str, s)) + "\n" for s in ids)
    if args.output:
        args.output.write_text(text)
    else:
        sys.stdout.write(text)
    if args.scores:
        args.scores.write_text("".join(f"{s:.6f}\n" for s in scores))
    if args.margins:
        args.margins.write_text("".join(f"{m}\n" for m in margins))


if __name__ == "__main__":
    main()
