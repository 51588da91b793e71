# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What users see of the package."""

from __future__ import annotations

import numbers
import operator
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, Unpack, cast, overload

import numpy as np
import numpy.typing as npt

from . import _native
from ._native import InputError

DataType = Literal["f32", "bf16", "int8", "auto"]
Ids = npt.NDArray[np.int32]
IdsLike = npt.NDArray[np.integer[Any]] | Sequence[int]
Source = str | IdsLike

# As attn.h numbers them; None is the default.
_DTYPES: dict[str | None, int] = {None: 0, "f32": 1, "bf16": 2, "int8": 3, "auto": 4}


class SearchOptions(TypedDict, total=False):
    """How to search for translations; what is not given is as the translator and
    its checkpoint say."""

    beam_size: int
    """Beams of a sentence; 1 is greedy search."""
    max_length: int
    """Most tokens of an output, start and end included."""
    min_length: int
    """Fewest tokens of an output, start but not end included."""
    length_penalty: float
    """Scores are divided by length ** length_penalty."""
    prefix: str | IdsLike
    """What every output begins with: a text in the target language, or its token
    ids without an end token."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """Which source words the words of a translation come from. Words are parted
    by spaces and keep their punctuation."""

    source: list[str]
    target: list[str]
    weights: npt.NDArray[np.float32]
    """[target words, source words]: each row sums to 1, or is 0."""


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """One output of a sentence. Arrays are read-only."""

    text: str
    ids: Ids
    """[tokens], without start and end token."""
    score: float
    """The sum of the log probabilities of the ids and of the end token, divided by
    their number to the power of the length penalty."""
    attention: npt.NDArray[np.float32] | None
    """[steps, source tokens]: row i is what the decoder attended to when it chose
    ids[i], and the last one, if there is one more, when it chose the end token. The
    last column is the end token of the sentence. None without attention."""
    alignment: Alignment | None
    """The same for words. None without attention."""


class Translator:
    """A model that translates. Any number of threads may use it at once; other
    threads run while it works."""

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        dtype: DataType | None = None,
        threads: int = 0,
        beam_size: int = 0,
        max_length: int = 0,
        attention: bool = False,
        attention_layer: int = -1,
    ) -> None:
        """Loads a checkpoint, compiled or taken from the disk cache.

        model: a folder in the Hugging Face MarianMT layout. By default $ATTN_MODEL,
            else the English to French model that comes with this package.
        dtype: what products are computed in. "auto" is the fastest that keeps the
            quality: "int8". By default "int8" if the checkpoint is quantized, else
            "f32".
        threads: of all calls together. By default one for each core.
        beam_size, max_length: see SearchOptions. By default the checkpoint's.
        attention: whether hypotheses tell what the decoder attended to, in
            attention_layer: -1 is its last layer, -2 the one before it.

        Raises ModelError if the model cannot be read or compiled, and ValueError
        for an option that is out of its range.
        """
        if dtype not in _DTYPES:
            names = ", ".join(repr(name) for name in _DTYPES if name)
            raise ValueError(f"expected a dtype of {names}, got {dtype!r}")
        layer = _as_int32("attention_layer", attention_layer)
        if layer >= 0:
            raise ValueError(
                f"expected a negative attention_layer, got {layer}; "
                "hint: -1 is the last one"
            )
        self._native = _native.Translator(
            None if model is None else os.fsencode(model),
            dtype=_DTYPES[dtype],
            threads=_as_int32("threads", threads),
            beam_size=_as_int32("beam_size", beam_size),
            max_length=_as_int32("max_length", max_length),
            attention_layer=layer if attention else 0,
        )
        self._has_attention = attention

    # A str is a sequence of them, too, but the first signature that fits counts.
    @overload
    def translate(self, source: Source, **options: Unpack[SearchOptions]) -> str: ...  # type: ignore[overload-overlap]
    @overload
    def translate(
        self, source: Sequence[Source], **options: Unpack[SearchOptions]
    ) -> list[str]: ...
    def translate(
        self, source: Source | Sequence[Source], **options: Unpack[SearchOptions]
    ) -> str | list[str]:
        """Translates a sentence to a text, or sentences to a list of texts.

        A sentence is a text, or its token ids with the end token. Many at once are
        faster than one after the other.

        Raises InputError if a sentence cannot be translated; then none is.
        """
        found: str | list[str] = self._translate(
            source, options, lambda results, i: results.text(i, 0)
        )
        return found

    @overload
    def translate_ids(  # type: ignore[overload-overlap]
        self, source: Source, **options: Unpack[SearchOptions]
    ) -> Ids: ...
    @overload
    def translate_ids(
        self, source: Sequence[Source], **options: Unpack[SearchOptions]
    ) -> list[Ids]: ...
    def translate_ids(
        self, source: Source | Sequence[Source], **options: Unpack[SearchOptions]
    ) -> Ids | list[Ids]:
        """As translate(), to token ids, without start and end token."""
        found: Ids | list[Ids] = self._translate(
            source, options, lambda results, i: results.ids(i, 0)
        )
        return found

    @overload
    def search(  # type: ignore[overload-overlap]
        self, source: Source, n_best: int = 1, **options: Unpack[SearchOptions]
    ) -> list[Hypothesis]: ...
    @overload
    def search(
        self,
        source: Sequence[Source],
        n_best: int = 1,
        **options: Unpack[SearchOptions],
    ) -> list[list[Hypothesis]]: ...
    def search(
        self,
        source: Source | Sequence[Source],
        n_best: int = 1,
        **options: Unpack[SearchOptions],
    ) -> list[Hypothesis] | list[list[Hypothesis]]:
        """As translate(), to the n_best hypotheses of each sentence or fewer, best
        first, of at most as many as beams."""
        found: list[Hypothesis] | list[list[Hypothesis]] = self._translate(
            source, options, self._hypotheses, n_best
        )
        return found

    def encode(self, text: str) -> Ids:
        """The token ids of a sentence, with the end token."""
        return self._native.encode(text, is_target=False)

    def encode_target(self, text: str) -> Ids:
        """The token ids of a text in the target language, without an end token."""
        return self._native.encode(text, is_target=True)

    def decode(self, ids: IdsLike) -> str:
        """The text of token ids in the target language."""
        return self._native.decode(_as_ids(ids))

    def source_tokens(self, ids: IdsLike) -> list[str]:
        """The pieces of words that ids of a sentence stand for, as the vocabulary
        writes them, such as "\u2581hello"."""
        return self._tokens(ids, is_target=False)

    def target_tokens(self, ids: IdsLike) -> list[str]:
        """The same in the target language."""
        return self._tokens(ids, is_target=True)

    def _tokens(self, ids: IdsLike, is_target: bool) -> list[str]:
        tokens = []
        for id in _as_ids(ids).tolist():
            token = self._native.token(id, is_target=is_target)
            if token is None:
                raise InputError(f"expected an id of the vocabulary, got {id}")
            tokens.append(token)
        return tokens

    def _translate(
        self,
        source: Any,
        options: SearchOptions,
        read: Callable[[_native.Results, int], Any],
        n_best: int = 1,
    ) -> Any:
        """What `read` makes of the results of each sentence, or of the only one."""
        is_one = _is_sentence(source)
        sentences = [source] if is_one else list(source)
        search = self._search(n_best, options)
        texts = sum(isinstance(sentence, str) for sentence in sentences)
        if texts == len(sentences):
            results = self._native.translate(sentences, search)
        elif texts == 0:
            results = self._native.translate_ids(
                [_as_ids(sentence) for sentence in sentences], search
            )
        else:
            raise TypeError("expected only texts or only token ids, got both")
        found = [read(results, i) for i in range(len(sentences))]
        return found[0] if is_one else found

    def _search(self, n_best: int, options: SearchOptions) -> _native.Search:
        search = self._native.search()
        search.n_best = _as_int32("n_best", n_best)
        for name, value in options.items():
            if name not in SearchOptions.__annotations__:
                raise TypeError(
                    f"expected options of {', '.join(SearchOptions.__annotations__)}, "
                    f"got {name!r}"
                )
            if name == "prefix":
                value = (
                    self.encode_target(value)
                    if isinstance(value, str)
                    else _as_ids(cast(IdsLike, value))
                )
            elif name == "length_penalty":
                if not isinstance(value, numbers.Real):
                    raise TypeError(f"{name}: expected a number, got {value!r}")
            else:
                value = _as_int32(name, value)
            setattr(search, name, value)
        return search

    def _hypotheses(self, results: _native.Results, sentence: int) -> list[Hypothesis]:
        def read(number: int) -> Hypothesis:
            attention = alignment = None
            if self._has_attention:
                attention = results.attention(sentence, number)
                alignment = Alignment(*results.alignment(sentence, number))
            return Hypothesis(
                results.text(sentence, number),
                results.ids(sentence, number),
                results.score(sentence, number),
                attention,
                alignment,
            )

        return [read(number) for number in range(results.count(sentence))]


def _is_sentence(source: Any) -> bool:
    """Whether it is one and not several."""
    if not isinstance(source, (Sequence, np.ndarray)):
        raise TypeError(
            "expected a text, token ids, or a sequence of these, got "
            + type(source).__name__
        )
    if isinstance(source, np.ndarray):
        return source.ndim == 1 and issubclass(source.dtype.type, np.number)
    return isinstance(source, str) or (
        len(source) > 0 and isinstance(source[0], (int, float, np.number))
    )


def _as_int32(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"{name}: expected an integer of 32 bits, got {number}")
    return number


def _as_ids(ids: IdsLike) -> Ids:
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise TypeError(
            "expected token ids in one dimension, got "
            f"{array.dtype} of shape {list(array.shape)}"
        )
    ids32 = np.ascontiguousarray(array, dtype=np.int32)
    if not np.array_equal(array, ids32):
        raise InputError("expected token ids of 32 bits")
    return ids32
