"""What the built-in encoder is told before it learns: all that is counted over the gold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.evidence import Evidence
from ml_backend.tagger.lexicon import Lexicon
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.tagger.word_vectors import WordVectors


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Symbols, evidence on strings, and a lexicon; None where there is none."""

    labels: LabelSet
    vocabulary: Vocabulary
    evidence: Evidence
    lexicon: Lexicon | None

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        gold: Sequence[Sequence[Entity]],
        labels: LabelSet,
        *,
        least_symbols: int = 2,
        least_strings: int = 2,
        most_strings: int = 300_000,
        lexicon: bool = True,
        gazetteer: Sequence[tuple[str, str]] = (),
        words: WordVectors | None = None,
    ) -> Self:
        """Count over texts and their gold.

        What occurs less than `least_*` times is unknown; of the strings at most `most_strings`
        are known. `lexicon` says whether the gold's surfaces go into one, `gazetteer` adds others,
        `words` the vectors of words.
        """
        return cls(
            labels,
            Vocabulary.of(texts, least=least_symbols),
            Evidence.of(texts, gold, labels, least=least_strings, most=most_strings),
            Lexicon.made(texts, gold, labels, own=lexicon, gazetteer=gazetteer, words=words),
        )

    def with_symbols_of(self, other: "Knowledge") -> "Knowledge":
        """This, with the other's symbols besides its own."""
        symbols = np.union1d(self.vocabulary.symbols, other.vocabulary.symbols)
        return replace(self, vocabulary=Vocabulary(symbols))
