#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Record what Hugging Face transformers' generate() finds for small random models.

    generate_search_cases.py > test/Generation/Inputs/search-cases.jsonl

Needs torch and transformers 5. The models are those of
unittests/Generation/LanguageModel.h, which compares its searches with the
cases. One JSON object a line.
"""
import argparse
import json
import random
import warnings

import torch
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.generation import GenerationConfig
from transformers.modeling_outputs import BaseModelOutput, Seq2SeqLMOutput

MASK = (1 << 64) - 1


def mix(x):
    x ^= x >> 30
    x = x * 0xBF58476D1CE4E5B9 & MASK
    x ^= x >> 27
    x = x * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def logits(case, source, prefix):
    state = mix(case["seed"] + 1)
    for token in source:
        state = mix((state * 31 + token + 1) & MASK)
    state = mix((state + 0x5EED) & MASK)
    for token in prefix:
        state = mix((state * 31 + token + 1) & MASK)
    result = torch.tensor(
        [(mix((state + i) & MASK) >> 40) * 2.0**-21 for i in range(case["vocabulary"])],
        dtype=torch.float32)
    for token in case["end"]:
        result[token] += case["bonus"]
    return result


class Config(PretrainedConfig):
    model_type = "hash"


class Encoder(torch.nn.Module):
    main_input_name = "input_ids"

    def forward(self, input_ids=None, **kwargs):
        return BaseModelOutput(last_hidden_state=input_ids[..., None].float())


class Model(PreTrainedModel, GenerationMixin):
    config_class = Config
    main_input_name = "input_ids"

    def __init__(self, case):
        super().__init__(Config(is_encoder_decoder=True, vocab_size=case["vocabulary"]))
        self.case = case
        self.encoder = Encoder()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def get_encoder(self, *args, **kwargs):
        return self.encoder

    def forward(self, input_ids=None, attention_mask=None, encoder_outputs=None,
                decoder_input_ids=None, **kwargs):
        sources = encoder_outputs.last_hidden_state[..., 0].long().tolist()
        rows = [logits(self.case, s, p) for s, p in zip(sources, decoder_input_ids.tolist())]
        return Seq2SeqLMOutput(logits=torch.stack(rows)[:, None])


def random_case(seed):
    r = random.Random(seed)
    vocabulary = 4 + r.randrange(12 if r.randrange(4) else 60)
    start = vocabulary - 1
    beams = r.choice([1, 2, 2, 3, 4, 4, 5])
    end = [0] if r.randrange(6) else [0, 2]
    bad = [[start]] if r.randrange(4) else []
    if r.randrange(4) == 0:
        bad.append([0])
    if r.randrange(2):
        for _ in range(r.randrange(5)):
            bad.append([r.choice([0, 1, 2, 3, start]) for _ in range(r.randint(2, 3))])
    return {
        "seed": seed,
        "vocabulary": vocabulary,
        "source": [r.randrange(100) for _ in range(r.randint(1, 3))],
        "bonus": 0.5 * r.randrange(7),
        "beams": beams,
        "n_best": r.randint(1, beams),
        "max_length": r.randint(2, 6) if r.randrange(2) else r.randint(6, 20),
        "length_penalty": r.choice([1.0, 1.0, 1.0, 0.0, 0.6, 2.0, -1.0]),
        "early_stopping": r.choice(["false", "false", "true", "never"]),
        "start": start,
        "end": end,
        # Two forced tokens tie, and torch.topk breaks ties as it likes.
        "forced_end": r.choice([[], [0], [0], [0, 1]] if beams == 1 else [[], [0], [0]]),
        "bad_words": bad,
        "renormalize": bool(r.randrange(2)),
    }


def run(case):
    early = {"false": False, "true": True, "never": "never"}[case["early_stopping"]]
    config = GenerationConfig(
        num_beams=case["beams"], num_return_sequences=case["n_best"],
        max_length=case["max_length"], length_penalty=case["length_penalty"],
        early_stopping=early, do_sample=False, use_cache=False,
        decoder_start_token_id=case["start"], pad_token_id=case["start"],
        eos_token_id=case["end"], forced_eos_token_id=case["forced_end"] or None,
        bad_words_ids=case["bad_words"] or None, renormalize_logits=case["renormalize"],
        return_dict_in_generate=True, output_scores=True)
    with torch.no_grad():
        out = Model(case).generate(torch.tensor([case["source"]]), generation_config=config)
    hypotheses = []
    scores = out.sequences_scores.tolist() if case["beams"] > 1 else [0.0]
    for ids, score in zip(out.sequences.tolist(), scores):
        ids = ids[1:]
        stop = next((i for i, t in enumerate(ids) if t in case["end"]), len(ids))
        # Places that no hypothesis took have a penalty for a score.
        if score > -1e6:
            hypotheses.append({"ids": ids[:stop], "score": score})
    return hypotheses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=400)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    import transformers
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    for seed in range(args.cases):
        case = random_case(seed)
        case["hypotheses"] = run(case)
        print(json.dumps(case, separators=(",", ":")))


if __name__ == "__main__":
    main()
