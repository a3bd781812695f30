"""What a person says of a file beyond its format: its labels by the project's names, its label
set, a prefix for its ids."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from backend.errors import InvalidInputError
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from ml_backend.contract.entity import Entity


@dataclass(frozen=True, slots=True)
class Adaptation:
    """`renamed` maps labels of the file to labels of the project, or to None: left out, and not
    annotated where the project has them.

    `labels` is the file's label set, in the project's names, when it is smaller than the
    project's: the others were not annotated. `id_prefix` keeps apart the ids of files that both
    number their documents from 1.
    """

    renamed: Mapping[str, str | None] = field(default_factory=dict)
    labels: tuple[str, ...] | None = None
    id_prefix: str = ""

    def __call__(
        self, records: Iterable[DocumentRecord | RefusedLine]
    ) -> Iterator[DocumentRecord | RefusedLine]:
        """The same records as the project is to see them."""
        if not self.renamed and self.labels is None and not self.id_prefix:
            yield from records
            return
        for record in records:
            yield record if isinstance(record, RefusedLine) else self._adapt(record)

    def _adapt(self, record: DocumentRecord) -> DocumentRecord:
        entities, labels = record.entities, record.labels
        if entities is not None:
            named = ((entity, self._name(entity.label)) for entity in entities)
            entities = [Entity(one.start, one.end, name) for one, name in named if name]
        if self.labels is not None:
            labels = self.labels
        elif labels is not None:
            labels = self._names(labels)
        name = record.external_id
        return replace(
            record,
            entities=entities,
            labels=labels,
            not_annotated=(*self._names(record.not_annotated), *self._left_out),
            external_id=self.id_prefix + name if name is not None else None,
        )

    @property
    def _left_out(self) -> tuple[str, ...]:
        return tuple(label for label, name in self.renamed.items() if name is None)

    def _names(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in map(self._name, labels) if name))

    def _name(self, label: str) -> str | None:
        return self.renamed.get(label, label)


def read_renaming(words: Iterable[str]) -> dict[str, str | None]:
    """`OLD=NEW` as people type it; `OLD=` leaves the entities of OLD out.

    A label may hold `=`: the last one divides. Raises InvalidInputError for other words, and for
    a label that is given twice.
    """
    renamed: dict[str, str | None] = {}
    for word in words:
        old, equals, new = word.rpartition("=")
        if not equals or not old.strip():
            raise InvalidInputError(f"{word!r} is not OLD=NEW")
        if old in renamed:
            raise InvalidInputError(f"{old!r} is renamed twice")
        renamed[old.strip()] = new.strip() or None
    return renamed
