# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Uses all of the package; with --forget, things that nobody frees."""
import ctypes
import pathlib
import sys

import attn

translator = attn.Translator(attention=True)
kept = translator.search(["Hello, how are you?", "", "Thank you."], n_best=3)
attention = kept[0][0].attention
del kept
translator.translate_ids(translator.encode("Hello."), prefix="Bon")
translator.decode(translator.encode_target("Salut."))
errors = 0
for call in (
    lambda: translator.translate(["Hello.", "a " * 600]),
    lambda: translator.search("Hello.", n_best=5),
    lambda: attn.Translator("nowhere"),
):
    try:
        call()
    except (RuntimeError, ValueError):
        errors += 1
print(errors, "errors", flush=True)

if "--forget" in sys.argv:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(translator._native.search()))
    library = ctypes.CDLL(pathlib.Path(attn.__file__).parent / "lib" / "libattn.so.0")
    library.attn_translator_create(None, None, ctypes.byref(ctypes.c_void_p()))
