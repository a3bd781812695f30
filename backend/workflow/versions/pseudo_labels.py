"""Documents that teach though nobody has looked at them: what the champion is sure of."""

from collections.abc import Iterator, Mapping
from itertools import islice

from sqlalchemy.orm import Session

from backend.db.autolabels import surest_unseen
from backend.db.groups import split_key
from backend.db.tables import GoldSource, Part, Project
from backend.workflow.labels.label_rules import LabelRules
from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument


def pseudo_labelled(
    session: Session,
    project: Project,
    rules: LabelRules,
    near: Mapping[str, int],
    roles: Mapping[str, Part],
    groups: Mapping[str, str],
    *,
    least: float,
    most: int,
) -> Iterator[GoldDocument]:
    """What the champion labelled with at least this confidence and waits in the autolabel queue,
    the surest first, at most so many; labels that it does not know are not annotated there.

    Nothing of a group that has a held-out role. `near`, `roles` and `groups` are the near groups by
    key, the roles by split key, and the names of near groups, as the snapshot has them.
    """
    if project.champion_id is None:
        return
    labels = frozenset(rules.labels)
    rows = (
        row
        for row in surest_unseen(session, project.id, project.champion_id, least)
        if split_key(row.group_key, near.get(row.group_key)) not in roles
    )
    for row in islice(rows, most):
        length = len(row.text)
        entities = rules.trained(Entity.from_dict(one, length=length) for one in row.entities)
        missing = rules.not_annotated(
            None, project.gold_revision, GoldSource.RULE, row.version_name
        )
        group = groups.get(row.group_key, row.group_key)
        yield GoldDocument(row.external_id, group, row.text, entities, missing & labels)
