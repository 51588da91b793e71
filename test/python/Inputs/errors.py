# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import attn

translator = attn.Translator()
long = "a " * 600
for call in (
    lambda: translator.translate(long),
    lambda: translator.translate(["Hello.", long]),
    lambda: translator.translate("Hello.\0"),
    lambda: translator.translate("\ud800"),
    lambda: translator.translate_ids([8001]),
    lambda: translator.translate_ids([2**32]),
    lambda: translator.translate_ids([[]]),
    lambda: translator.source_tokens([-1]),
    lambda: translator.translate_ids([1.5]),
    lambda: translator.translate(["Hello.", [1, 0]]),
    lambda: translator.translate(None),
    lambda: translator.search("Hello.", n_best=5),
    lambda: translator.translate("Hello.", beam_size="many"),
    lambda: translator.translate("Hello.", length_penalty="none"),
    lambda: translator.search("Hello.", n_best=1.5),
    lambda: translator.translate("Hello.", beams=3),
    lambda: attn.Translator("nowhere"),
    lambda: attn.Translator(b"\xff"),
    lambda: attn.Translator("\udcff"),
    lambda: attn.Translator("no\0where"),
    lambda: attn.Translator(dtype="f16"),
    lambda: attn.Translator(threads=2**31),
    lambda: attn.Translator(threads=-1),
    lambda: attn.Translator(attention=True, attention_layer=0),
):
    try:
        call()
    except Exception as error:
        kind = type(error)
        base = next(base for base in kind.__mro__[1:] if base is not UnicodeError)
        print(f"{kind.__name__} ({base.__name__}): {error}")
    else:
        print("no error")
