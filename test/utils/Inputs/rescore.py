# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Check that scores are those of the decoder over whole sentences.

    rescore.py MODEL SOURCE.ids SCORED.ids
"""
import pathlib
import sys
import tempfile
import types

import compare_translations as compare

model, source, scored = map(pathlib.Path, sys.argv[1:])
with tempfile.TemporaryDirectory() as folder:
    arguments = types.SimpleNamespace(attn="attn", model=model)
    scorer = compare.Scorer(arguments, pathlib.Path(folder))
    sentences = compare.read(source)[0]
    for sentence, ids, score in zip(sentences, *compare.read(scored)[:2]):
        again = scorer.score(sentence, ids)
        print(f"{score}, over the whole sentence {again}")
        if not abs(score - again) < 1e-4:
            sys.exit("expected the same")
