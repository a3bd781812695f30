"""Surface forms: strings that carry several labels in gold, the likeliest mistakes first.

A label that one form has in a hundred is more often a slip than one that it has in two: forms are
ordered by the share of their rarest label, then by how frequent they are.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

NAMED = 5  # documents kept for each label of a form


@dataclass(frozen=True, slots=True)
class FormLabel:
    """One label of a form: how often, and in which documents at first, by their numbers."""

    label: str
    count: int
    documents: list[int]


@dataclass(frozen=True, slots=True)
class SurfaceForm:
    """A string with several labels, the most frequent first."""

    form: str
    count: int
    labels: list[FormLabel]

    @property
    def rarest(self) -> float:
        """The share of its rarest label."""
        return self.labels[-1].count / self.count


def surface_forms(
    documents: Iterable[tuple[int, Iterable[tuple[str, str]]]],
) -> list[SurfaceForm]:
    """Forms with several labels among the (surface, label) pairs of documents.

    Forms are NFC, so that composed and decomposed Hangul are one. Memory grows with the number of
    different pairs, not with that of documents.
    """
    seen: dict[tuple[str, str], list[int]] = {}  # how often, and the first documents
    for number, pairs in documents:
        for surface, label in pairs:
            key = (unicodedata.normalize("NFC", surface), label)
            found = seen.get(key)
            if found is None:
                seen[key] = [1, number]
            else:
                found[0] += 1
                if len(found) <= NAMED and found[-1] != number:
                    found.append(number)
    labels: dict[str, list[FormLabel]] = {}
    for (form, label), (count, *numbers) in seen.items():
        labels.setdefault(form, []).append(FormLabel(label, count, numbers))
    forms = [
        SurfaceForm(
            form,
            sum(one.count for one in its),
            sorted(its, key=lambda one: (-one.count, one.label)),
        )
        for form, its in labels.items()
        if len(its) > 1
    ]
    return sorted(forms, key=lambda form: (form.rarest, -form.count, form.form))
