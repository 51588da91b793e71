# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Translation by a compiler for attention networks.

>>> import attn
>>> translator = attn.Translator()
>>> translator.translate("Hello, how are you?")
'Bonjour, comment allez-vous ?'
"""

from ._native import InputError, ModelError, version
from .translator import Alignment, Hypothesis, SearchOptions, Translator

__all__ = [
    "Alignment",
    "Hypothesis",
    "InputError",
    "ModelError",
    "SearchOptions",
    "Translator",
]
__version__ = version()
for _error in (InputError, ModelError):
    _error.__module__ = __name__
