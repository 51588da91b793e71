# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""translator.py TEXT JSON ALIGNMENTS: the same from Python."""
import json
import pathlib
import sys

import attn
import numpy as np

texts, expected, alignments = (pathlib.Path(name).read_text() for name in sys.argv[1:])
texts = texts.splitlines()
expected = [json.loads(line)["hypotheses"] for line in expected.splitlines()]
alignments = json.loads(alignments)
assert len(texts) == len(expected) == len(alignments) > 50

translator = attn.Translator(attention=True)
best = [line[0] for line in expected]
assert translator.translate(texts) == [each["text"] for each in best]
assert translator.translate(tuple(texts[:2])) == [each["text"] for each in best[:2]]
assert translator.translate(texts[0]) == best[0]["text"]
ids = translator.translate_ids(texts)
assert all(each.dtype == np.int32 for each in ids)
assert [each.tolist() for each in ids] == [each["ids"] for each in best]

# All that a search finds; from token ids, too, of whatever type.
encoded = [translator.encode(text) for text in texts]
for source in (
    texts,
    encoded,
    [each.astype(np.int64) for each in encoded],
    [each.tolist() for each in encoded],
):
    found = translator.search(source, n_best=3)
    for hypotheses, line in zip(found, expected, strict=True):
        for hypothesis, other in zip(hypotheses, line, strict=True):
            assert hypothesis.text == other["text"]
            assert hypothesis.ids.tolist() == other["ids"]
            assert hypothesis.score == other["score"]
for sentence, hypotheses, line in zip(encoded, found, alignments, strict=True):
    for hypothesis in hypotheses:
        steps = len(hypothesis.ids) + 1
        assert hypothesis.attention.shape == (steps, len(sentence))
        np.testing.assert_allclose(hypothesis.attention.sum(axis=1), 1, rtol=1e-5)
    alignment = hypotheses[0].alignment
    assert alignment.source == line["source"]
    assert alignment.target == line["target"]
    np.testing.assert_allclose(alignment.weights, line["weights"], atol=1e-4)
one = translator.search(encoded[0])
assert [each.text for each in one] == [best[0]["text"]]

# Arrays are views: they outlive all else, and nobody changes them.
attention = hypotheses[0].attention
copy = attention.copy()
del found, hypotheses, hypothesis
assert np.array_equal(attention, copy)
assert not attention.flags.writeable

# Where there is nothing to translate.
assert translator.translate([]) == []
assert translator.translate(["", " ", "Thank you."]) == ["", "", "Merci."]
(nothing,) = translator.search("", n_best=2)
assert nothing.text == "" and nothing.ids.size == 0 and not nothing.alignment.source

# Options.
assert translator.translate("Thank you.", prefix="Je vous").startswith("Je vous")
prefix = translator.encode_target("Je vous")
assert translator.decode(prefix) == "Je vous"
assert translator.translate_ids("Thank you.", prefix=prefix)[:2].tolist() == [*prefix][:2]
assert len(translator.translate_ids(texts[0], max_length=4)) < 4
assert len(translator.translate_ids("Yes.", min_length=9)) >= 8
short, long = (
    translator.search(texts[1], length_penalty=penalty)[0] for penalty in (0, 2)
)
assert short.score < long.score < 0
pieces = translator.source_tokens(translator.encode("Thank you."))
assert "".join(pieces) == "\u2581Thank\u2581you.</s>", pieces
pieces = translator.target_tokens(prefix)
assert "".join(pieces) == "\u2581Je\u2581vous", pieces

greedy = attn.Translator(beam_size=1, threads=1, dtype="int8")
(only,) = greedy.search("Hello, how are you?")
assert only.attention is None and only.alignment is None
assert only.ids.tolist() == greedy.translate_ids("Hello, how are you?").tolist()
