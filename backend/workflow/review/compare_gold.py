"""Where a project's champion and its gold differ: found chunk by chunk, kept for people to judge.

Both are compared under the champion's labels: gold of labels that were renamed or merged since is
read as the champion learned it, labels that it never learned are left out, and of labels that
nobody looked for in a document only what is in its gold counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from backend.db import differences
from backend.db.differences import GoldToCompare
from backend.db.tables import Project, Version, now
from backend.db.tables_of_errors import Comparison, Difference, DifferingDocument
from backend.workflow.labels.label_rules import LabelRules, rules_of
from backend.workflow.versions.labels import VersionLabels, labels_of
from ml_backend.contract.entity import Entity
from ml_backend.contract.pairing import Kind, Pair, pairs
from ml_backend.contract.snapshot import GoldDocument


def begin(session: Session, project: Project, version: Version) -> Comparison:
    """The project's comparison with a version; what was found of an earlier one is forgotten."""
    found = differences.comparison_of(session, project.id)
    if found is not None and found.version_id == version.id:
        return found
    differences.forget_differences(session, project.id)
    if found is not None:
        session.delete(found)
        session.flush()
    begun = Comparison(project_id=project.id, version_id=version.id)
    session.add(begun)
    session.flush()
    return begun


def compare(
    session: Session,
    project: Project,
    version: Version,
    records: Sequence[Mapping[str, Any]],
) -> int:
    """Keep what a version's records of documents differ in from the gold these have now.

    Records are those of a prediction job. Returns how many documents differ. Those that somebody
    has decided about are kept too, since a decision may be taken back; lists leave them out.
    """
    said = {int(record["id"]): record for record in records}
    found = differences.gold_to_compare(session, said)
    differences.forget_differences(session, project.id, said)
    rules = rules_of(session, project)
    differ: list[Difference] = []
    documents = 0
    for one in found:
        record = said[one.document.id]
        wrong = [
            pair
            for pair in compared(rules, version, one, record["entities"])
            if pair.kind != Kind.RIGHT
        ]
        if not wrong:
            continue
        documents += 1
        session.add(
            DifferingDocument(
                document_id=one.document.id,
                project_id=project.id,
                version_id=version.id,
                gold_revision=one.gold.revision,
                confidence=float(record["confidence"]),
                entities=record["entities"],
            )
        )
        differ += [
            Difference(
                document_id=one.document.id,
                project_id=project.id,
                kind=pair.kind,
                label=pair.label,
            )
            for pair in wrong
        ]
    session.flush()  # what the differences refer to
    session.add_all(differ)
    comparison = begin(session, project, version)
    comparison.documents += len(found)
    comparison.reason, comparison.looked_at = "", now()
    session.flush()
    return documents


def compared(
    rules: LabelRules, version: Version, one: GoldToCompare, entities: Sequence[Mapping[str, Any]]
) -> list[Pair]:
    """A document's gold and what the version says of it, entity by entity, under its labels."""
    document, gold = one
    length, learned = len(document.text), labels_of(version)
    missing = rules.not_annotated(
        document.not_annotated, gold.revision, gold.source, gold.version_name
    )
    wanted = [
        entity
        for entity in (Entity.from_dict(record, length=length) for record in gold.entities)
        if _learned(learned, entity.label)
    ]
    seen = GoldDocument(
        str(document.id),
        document.group_key,
        document.text,
        [_called(learned, entity) for entity in wanted],
        missing,
    )
    said = [Entity.from_dict(record, length=length) for record in entities]
    return pairs(seen.entities, seen.judged(said))


def _learned(learned: VersionLabels, label: str) -> bool:
    return not learned.trained or learned.mapping.get(label, label) in learned.trained


def _called(learned: VersionLabels, entity: Entity) -> Entity:
    return Entity(entity.start, entity.end, learned.mapping.get(entity.label, entity.label))
