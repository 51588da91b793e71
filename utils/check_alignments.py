#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Holds alignments against a dictionary.

Translates the sentences of a file, lines "sentence<TAB>word:mot|mot …", and
counts for how many of these words the translation's word attends most to the
source word. Words that the translation does not have are not counted.

    check_alignments.py test/translate/Inputs/dictionary.tsv --at-least 85
    check_alignments.py test/translate/Inputs/dictionary.tsv --compare

--compare prints the share for every layer, head and step instead.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile


def normalize(word):
    """The word without punctuation and what is elided before it."""
    word = word.lower().replace("’", "'").strip(".,;:!?\"()«»-")
    return word.split("'")[-1]


def read_cases(path):
    cases = []
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        sentence, pairs = line.split("\t")
        entries = (pair.split(":") for pair in pairs.split())
        cases.append((sentence, {mot: word for word, mots in entries for mot in mots.split("|")}))
    return cases


def align(sentences, options):
    """Alignments of sentences, as `attn translate` writes them."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "alignments.json")
        command = ["attn", "translate", "--alignments", str(file), *options]
        subprocess.run(command, input="\n".join(sentences) + "\n", text=True,
                       check=True, capture_output=True, encoding="utf-8")
        return json.loads(file.read_text(encoding="utf-8"))


def count(cases, alignments, report=None):
    """Words aligned right, and words there are."""
    right = total = 0
    for (sentence, dictionary), found in zip(cases, alignments, strict=True):
        for mot, weights in zip(found["target"], found["weights"], strict=True):
            expected = dictionary.get(normalize(mot))
            if expected is None:
                continue
            got = normalize(found["source"][weights.index(max(weights))])
            total += 1
            right += got == expected
            if got != expected and report:
                report(f"{sentence}: {mot}: expected {expected}, got {got}")
    return right, total


def compare(cases, options):
    sentences = [sentence for sentence, _ in cases]
    config = json.loads(pathlib.Path(options.model, "config.json").read_text())
    heads = [str(head) for head in range(config["decoder_attention_heads"])]
    print(f"{'step':10} {'layer':>5} {'mean':>5} " + " ".join(f"{'head ' + h:>6}" for h in heads))
    for step in ["choosing", "fed"]:
        for layer in range(config["decoder_layers"]):
            shares = []
            for chosen in [[]] + [["--alignment-heads", head] for head in heads]:
                settings = ["--model", options.model, "--alignment-step", step,
                            "--alignment-layer", str(layer), *chosen]
                right, total = count(cases, align(sentences, settings))
                shares.append(f"{100 * right / total:.0f}%")
            print(f"{step:10} {layer:5} {shares[0]:>5} " + " ".join(f"{s:>6}" for s in shares[1:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dictionary")
    parser.add_argument("--model", default="models/tatoeba-en-fr")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--at-least", type=float, default=0, metavar="PERCENT")
    options = parser.parse_args()
    cases = read_cases(options.dictionary)
    if options.compare:
        return compare(cases, options)
    sentences = [sentence for sentence, _ in cases]
    right, total = count(cases, align(sentences, ["--model", options.model]), print)
    listed = sum(len(set(dictionary.values())) for _, dictionary in cases)
    print(f"{right} of {total} words right, {100 * right / max(total, 1):.0f}%; "
          f"{listed} in the dictionary")
    # A translation of other words would prove nothing.
    return total < 0.6 * listed or 100 * right < options.at_least * total


if __name__ == "__main__":
    sys.exit(main())
