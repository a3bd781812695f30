"""What of a project's gold goes to training and release, and under which labels.

Gold is never rewritten and people annotate every label. On the way out the newest mapping is
applied, and labels under the minimum support are left out of training until they have grown. A
label that was not looked for in a document is not annotated there, never O:

- one that the file with the document's gold did not have (`documents.not_annotated`), until a
  person annotates the document;
- one that was added to the project after that gold (`projects.label_since`), or that the
  configuration had no more when a person made it (`projects.label_until`), unless it was mapped to
  another, which people use in its place;
- in gold that a version's prediction became, one that this version did not know.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from sqlalchemy.orm import Session

from backend.db.label_balance import gold_counts
from backend.db.label_mappings import newest_mapping
from backend.db.projects import settings_of
from backend.db.tables import GoldSource, Project
from backend.db.versions import all_versions
from backend.workflow.labels.label_map import LabelMap
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.entity import Entity

USUAL_SUPPORT = 1500  # gold entities, the minimum where a project has set none …
USUAL_FROM = 20_000  # … and has this many gold entities
NAMED = 8  # labels in a suggestion, of which the page lists all
HARDLY_LEARNED = 50  # gold entities under which leaving a label out is suggested


@dataclass(frozen=True, slots=True)
class LabelRules:
    """The rules of a project at one moment; `rules_of` reads them."""

    mapping: LabelMap
    known: tuple[str, ...]  # the project's labels, as gold holds them
    support: Mapping[str, int]  # gold entities of each label once mapped, in the project's order
    minimum: int  # 0 leaves none out
    is_set: bool  # the minimum, by a curator
    since: Mapping[str, int] = field(default_factory=dict)  # the gold revision it was added after
    until: Mapping[str, int] = field(default_factory=dict)  # … and after which it was taken away
    known_to: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by version's name

    @property
    def labels(self) -> tuple[str, ...]:
        """What is trained, in order."""
        return tuple(label for label, count in self.support.items() if count >= self.minimum)

    @property
    def left_out(self) -> dict[str, int]:
        """Labels with too little support to be trained, and how much they have."""
        return {label: count for label, count in self.support.items() if count < self.minimum}

    @property
    def suggestion(self) -> str:
        """What a curator may want to set; empty where the rule is in force or needless."""
        few = {label: n for label, n in self.support.items() if n < HARDLY_LEARNED}
        if self.minimum or self.is_set or not few or len(few) == len(self.support):
            return ""
        named = ", ".join(f"{label} ({count})" for label, count in islice(few.items(), NAMED))
        named += ", …" * (len(few) > NAMED)
        return (
            f"{len(few)} labels have fewer than {HARDLY_LEARNED} gold entities and are hardly "
            f"learned: {named}; a minimum support of {HARDLY_LEARNED} leaves them out of "
            "training until they have grown"
        )

    def apply(self, entities: Iterable[Entity]) -> list[Entity]:
        """Gold under its newest names: for a release."""
        return self.mapping.apply(entities)

    def trained(self, entities: Iterable[Entity]) -> list[Entity]:
        """Gold as a training sees it: newest names, without what is left out."""
        labels = set(self.labels)
        return [entity for entity in self.mapping.apply(entities) if entity.label in labels]

    def not_annotated(
        self,
        document_not_annotated: Collection[str] | None,
        gold_revision: int,
        source: str,
        version_name: str | None = None,
    ) -> frozenset[str]:
        """The labels, under their newest names, of whose absence a document's gold says nothing.

        `version_name` is of the version whose prediction became that gold, None for any other.
        Merged labels are annotated only where every part of them is.
        """
        silent = {label for label, since in self.since.items() if gold_revision <= since}
        if version_name is not None:
            silent |= set(self.known) - self.known_to.get(version_name, frozenset(self.known))
        elif source == GoldSource.PERSON:
            gone = {label for label, until in self.until.items() if gold_revision > until}
            silent |= gone - self.mapping.targets.keys()
        else:
            silent |= set(document_not_annotated or ())
        if not silent:
            return frozenset()
        return frozenset(
            label
            for label, meanings in self.mapping.meanings(self.known).items()
            if any(same <= silent for same in meanings)
        )


def rules_of(session: Session, project: Project) -> LabelRules:
    """The rules in force now."""
    gold = gold_counts(session, project.id)
    return make_rules(
        project.labels,
        map_of(session, project.id),
        {label: entities for label, (entities, _) in gold.items()},
        settings_of(project).min_support,
        since=project.label_since,
        until=project.label_until,
        known_to={
            version.name: its.known(project.labels)
            for version in all_versions(session, project.id)
            if (its := labels_of(version)).trained
        },
    )


def map_of(session: Session, project_id: int) -> LabelMap:
    """The mapping in force."""
    newest = newest_mapping(session, project_id)
    return LabelMap(newest.mapping, newest.names) if newest is not None else LabelMap()


def make_rules(
    labels: Sequence[str],
    mapping: LabelMap,
    gold: Mapping[str, int],
    min_support: int | None,
    *,
    since: Mapping[str, int] | None = None,
    until: Mapping[str, int] | None = None,
    known_to: Mapping[str, frozenset[str]] | None = None,
) -> LabelRules:
    """The rules for these labels, with this many gold entities of each and this setting.

    Gold of a label that neither the project nor the mapping knows counts for nothing.
    """
    support = dict.fromkeys((mapping.of(label) for label in labels), 0)
    for label, count in gold.items():
        if mapping.of(label) in support:
            support[mapping.of(label)] += count
    usual = USUAL_SUPPORT if sum(support.values()) >= USUAL_FROM else 0
    return LabelRules(
        mapping=mapping,
        known=tuple(labels),
        support=support,
        minimum=usual if min_support is None else min_support,
        is_set=min_support is not None,
        since=since or {},
        until=until or {},
        known_to=known_to or {},
    )
