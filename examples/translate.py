#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Translates sentences with the Python package.

    pip install .
    examples/translate.py "Hello, how are you?"

--ids writes token ids, and --explain which words come from which.
"""
import argparse

import attn


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--model", help="a folder (default: English to French)")
    parser.add_argument("--ids", action="store_true", help="write token ids")
    parser.add_argument("--explain", action="store_true")
    arguments = parser.parse_args()

    translator = attn.Translator(arguments.model, attention=arguments.explain)
    for hypotheses in translator.search(arguments.texts):
        best = hypotheses[0]
        print(*best.ids if arguments.ids else [best.text])
        if best.alignment:
            words = zip(best.alignment.target, best.alignment.weights, strict=True)
            for word, weights in words:
                source = best.alignment.source[weights.argmax()]
                print(f"  {word} <- {source} {weights.max():.0%}")


if __name__ == "__main__":
    main()
