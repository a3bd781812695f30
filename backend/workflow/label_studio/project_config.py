"""Follow a labelling configuration that a curator changed in Label Studio.

What annotators see is the authority on labels: an annotation with a label that was added there
must not be cleaned away here. A label that was removed there stays in the project's list, because
earlier gold may hold it, and later gold says nothing of it; `clean` reads annotations by the
configuration alone.
"""

import html
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.errors import InvalidInputError
from backend.workflow.labels.label_rules import map_of
from ml_backend.contract.label_studio import LabelConfigError, parse_label_config


def follow_config(session: Session, project: Project, told: Any) -> str:
    """Take over the configuration of a Label Studio project's JSON; what was done, in words."""
    config = told.get("label_config") if isinstance(told, dict) else None
    if not isinstance(config, str) or config == project.label_config:
        return ""
    try:
        added = take_config(session, locked_project(session, project.id), config)
    except LabelConfigError as error:
        return f"the configuration in Label Studio is not usable and was not taken over: {error}"
    return f"configuration taken over; new labels: {', '.join(added) or 'none'}"


def take_config(session: Session, project: Project, config: str) -> list[str]:
    """Make a configuration the project's, which must be held; the labels that are new.

    Raises LabelConfigError for one that cannot be used.
    """
    labels = parse_label_config(config).labels
    added = add_labels(session, project, labels)
    _note_removed(project, labels.labels)
    project.label_config = config
    return added


def add_labels(session: Session, project: Project, labels: Iterable[str]) -> list[str]:
    """Add those that the project does not have; all earlier gold says nothing of them.

    A label that others were mapped to before is no news: what gold says of those it says of it.
    The project must be held.
    """
    added = [label for label in dict.fromkeys(labels) if label not in project.labels]
    news = set(added) - set(map_of(session, project.id).targets.values())
    since = dict.fromkeys(sorted(news), project.gold_revision)
    if since and project.gold_revision:
        project.label_since = {**project.label_since, **since}
    if added:
        project.labels = [*project.labels, *added]
    return added


def _note_removed(project: Project, configured: Collection[str]) -> None:
    """Keep which labels people have no more; of one that came back all earlier gold is silent."""
    until = dict(project.label_until)
    gone = [label for label in project.labels if label not in configured]
    back = [label for label in until if label in configured]
    for label in gone:
        until.setdefault(label, project.gold_revision)
    for label in back:
        del until[label]
    if until != project.label_until:
        project.label_until = until
    if back:
        project.label_since = {**project.label_since, **dict.fromkeys(back, project.gold_revision)}


def config_with(config: str, labels: Sequence[str]) -> str:
    """A configuration with these labels after its own, the rest of it as it was.

    Raises InvalidInputError for a label that it has, that cannot be one, or when it is written so
    that only its author can add one.
    """
    control = parse_label_config(config)
    known = [label for label in labels if label in control.labels]
    if known:
        raise InvalidInputError(f"the configuration has {', '.join(known)} already")
    name = re.escape(html.escape(control.from_name))
    opening = rf"<Labels\b[^>]*\bname\s*=\s*[\"']{name}[\"'][^>]*>"
    found = re.search(rf"{opening}.*?(?P<end>[ \t]*</Labels\s*>)", config, re.DOTALL)
    if found is not None:
        before, end = config[: found.start("end")], config[found.start("end") :]
        indent = end[: len(end) - len(end.lstrip())]
        added = "".join(f'{indent}  <Label value="{html.escape(one)}"/>\n' for one in labels)
        changed = before + (added if before.endswith("\n") else added.replace("\n", "")) + end
        if _labels(changed) == [*control.labels, *labels]:
            return changed
    raise InvalidInputError(
        f"{', '.join(map(repr, labels))} cannot be added to this configuration: "
        "do it in Label Studio, it is followed"
    )


def _labels(config: str) -> list[str]:
    try:
        return list(parse_label_config(config).labels)
    except LabelConfigError:
        return []
