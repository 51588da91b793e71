#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compare translations, as token ids, with those of a reference.

    attn translate --input-format ids --output-format ids --scores < SOURCE > ACTUAL
    utils/compare_translations.py --model DIR --source SOURCE ACTUAL EXPECTED \\
        --all-but 5 [--scores FILE]

Two searches may part where rounding decides. So a sentence may differ if both
outputs are about as likely: in greedy search the two tokens where they part, in
beam search (--beam) the two scores. Those are computed from the logits of the
decoder over whole sentences, by `attn run`, which needs NumPy.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("actual", type=pathlib.Path)
    parser.add_argument("expected", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--attn", default="attn", help="the program to compute with")
    parser.add_argument(
        "--all-but", type=int, default=0, help="how many sentences may differ"
    )
    parser.add_argument(
        "--beam", action="store_true", help="compare the scores of whole sentences"
    )
    parser.add_argument("--tie", type=float, default=1e-4, help="largest difference")
    parser.add_argument("--text", type=pathlib.Path, help="what the ids say")
    parser.add_argument("--scores", type=pathlib.Path, help="a score a line")
    parser.add_argument("--score-tolerance", type=float, default=1e-3)
    return parser.parse_args()


def read(path):
    """Ids, scores and texts of what `attn translate` writes as ids or as json."""
    ids, scores, texts = [], [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("{"):
            best = json.loads(line)["hypotheses"][0]
            ids.append(best["ids"])
            scores.append(best["score"])
            texts.append(best["text"])
            continue
        score, tab, rest = line.rpartition("\t")
        ids.append([int(i) for i in rest.split()])
        scores.append(float(score) if tab else None)
        texts.append(None)
    return ids, scores, texts


class Scorer:
    """Log probabilities of tokens, computed for whole sentences at once."""

    def __init__(self, arguments, folder):
        self.attn, self.folder = arguments.attn, folder
        self.module = folder / "model.mlir"
        command = [self.attn, "import", arguments.model, "-o", self.module]
        subprocess.run(command, check=True)
        text = (arguments.model / "generation_config.json").read_text()
        config = json.loads(text)
        self.start = config["decoder_start_token_id"]
        self.end = config["eos_token_id"]
        self.banned = [i for word in config.get("bad_words_ids") or [] for i in word]
        self.penalty = config.get("length_penalty", 1.0)

    def run(self, entry, *inputs):
        import numpy as np

        command = [self.attn, "run", self.module, "--entry", entry]
        command += ["--output-dir", self.folder]
        for number, values in enumerate(inputs):
            path = self.folder / f"input{number}.npy"
            np.save(path, values)
            command += ["--input", path]
        subprocess.run(command, check=True)
        return np.load(self.folder / "result0.npy")

    def log_probabilities(self, source, output):
        """[length of the output + 1, vocabulary], the end token included."""
        import numpy as np

        length = np.array([len(source)], np.int32)
        memory = self.run("encode", np.array([source], np.int32), length)
        ids = np.array([[self.start, *output]], np.int32)
        logits = self.run("decode", ids, memory, length)[0].astype(np.float64)
        logits[:, self.banned] = -np.inf
        logits -= logits.max(-1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(-1, keepdims=True))

    def score(self, source, output):
        steps = self.log_probabilities(source, output)
        tokens = [*output, self.end]
        total = sum(steps[i, t] for i, t in enumerate(tokens))
        return total / len(tokens) ** self.penalty

    def parting(self, source, first, second):
        """How much the tokens differ where two outputs part."""
        first, second = [*first, self.end], [*second, self.end]
        place = next(i for i, (a, b) in enumerate(zip(first, second)) if a != b)
        step = self.log_probabilities(source, first[:place])[place]
        return abs(step[first[place]] - step[second[place]])


def main():
    arguments = parse_arguments()
    actual, scores, texts = read(arguments.actual)
    expected, source = read(arguments.expected)[0], read(arguments.source)[0]
    if not len(actual) == len(expected) <= len(source):
        sys.exit(
            f"expected {len(expected)} translations of {len(source)} sentences, "
            f"got {len(actual)}"
        )
    different = [i for i, (a, e) in enumerate(zip(actual, expected)) if a != e]
    failed = len(different) > arguments.all_but
    with tempfile.TemporaryDirectory() as folder:
        scorer = Scorer(arguments, pathlib.Path(folder)) if different else None
        for i in different:
            a, e = actual[i], expected[i]
            if arguments.beam:
                gap = abs(scorer.score(source[i], a) - scorer.score(source[i], e))
            else:
                gap = scorer.parting(source[i], a, e)
            print(f"line {i + 1} differs: their scores differ by {gap:.1e}")
            failed |= not gap <= arguments.tie
    print(f"{len(actual)} sentences, {len(different)} differ")
    if arguments.text:
        wanted = arguments.text.read_text(encoding="utf-8").splitlines()
        wrong = [i for i, (t, w) in enumerate(zip(texts, wanted)) if t != w]
        for i in wrong:
            print(f"line {i + 1}: expected {wanted[i]}, got {texts[i]}")
        failed |= len(wanted) != len(texts) or not {*wrong} <= {*different}
    if arguments.scores:
        wanted = [float(line) for line in arguments.scores.read_text().split()]
        if len(wanted) != len(scores) or None in scores:
            sys.exit(f"expected {len(wanted)} scores, got {len(scores)}")
        gap = max(abs(a - w) for a, w in zip(scores, wanted))
        print(f"scores differ by at most {gap:.1e}")
        failed |= not gap <= arguments.score_tolerance
    sys.exit(failed)


if __name__ == "__main__":
    main()
