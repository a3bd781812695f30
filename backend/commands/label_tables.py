"""Tables and pictures of labels for the terminal; rich knows how wide 한글 and 漢字 are."""

from collections.abc import Sequence

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from backend.db.tables_of_labels import LabelMapping
from backend.workflow.labels.balance import Balance, Count
from backend.workflow.labels.label_rules import LabelRules
from backend.workflow.labels.what_if import WhatIf

BAR_WIDTH = 30
LEFT_OUT = "left out"


def balance_table(found: Balance) -> Table:
    """Entities and documents of each label, with a bar of its gold."""
    most = max((label.gold.entities for label in found.labels), default=0)
    caption = "entities / documents that hold one"
    if found.minimum:
        caption += f"; a label is trained from {found.minimum:,} gold entities on"
    table = Table("label", "trained as", "", title="balance", caption=caption)
    for name in ("gold", "corrections", "predictions", "autolabels"):
        table.add_column(name, justify="right")
    for label in found.labels:
        color = "green" if label.trained_as is not None else "red"
        bar = Bar(max(most, 1), 0, label.gold.entities, width=BAR_WIDTH, color=color)
        table.add_row(
            Text(label.label),
            _trained_as(label.label, label.trained_as),
            bar,
            *map(_count, (label.gold, label.corrections, label.predictions, label.autolabels)),
        )
    return table


def labels_table(rules: LabelRules) -> Table:
    """Each label of gold, what it is trained as and with how much."""
    trained = set(rules.labels)
    table = Table("label", "trained as", "gold once mapped", "annotated")
    for label in rules.known:
        name = rules.mapping.of(label)
        table.add_row(
            Text(label),
            _trained_as(label, name if name in trained else None),
            f"{rules.support[name]:,}",
            _when_annotated(rules, label),
        )
    return table


def changes_table(seen: WhatIf) -> Table:
    """What would change, label by label."""
    minimum = f"minimum support {seen.minimum_before:,} → {seen.minimum:,}"
    table = Table(
        "label in gold",
        "is trained as",
        "would be trained as",
        title=minimum if seen.minimum_before != seen.minimum else None,
        caption=f"{seen.entities:,} entities in {seen.documents:,} documents would change; "
        f"{len(seen.trained)} labels trained, {len(seen.left_out)} left out",
    )
    table.add_column("entities", justify="right")
    table.add_column("documents", justify="right")
    for change in seen.changes:
        table.add_row(
            Text(change.label),
            Text(change.before or LEFT_OUT),
            Text(change.after or LEFT_OUT),
            f"{change.entities:,}",
            f"{change.documents:,}",
        )
    if not seen.changes:
        table.add_row("nothing", "", "", "0", "0")
    return table


def mappings_table(rows: Sequence[LabelMapping]) -> Table:
    """Every version, the oldest first."""
    table = Table("mapping", "label → what it becomes", "made by", "when", "why")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        named = "\n".join(
            f"{label} → {target}" + ("" if label in row.names else " (part)")
            for label, target in row.mapping.items()
        )
        when = f"{row.created_at:%Y-%m-%d %H:%M}"
        table.add_row(
            str(row.number), Text(named or "nothing"), row.made_by, when, Text(row.reason)
        )
    if not rows:
        table.add_row("0", "nothing", "", "", "")
    return table


def _when_annotated(rules: LabelRules, label: str) -> str:
    since, until = rules.since.get(label), rules.until.get(label)
    if until is not None:
        return f"until revision {until} of gold"
    return "" if since is None else f"since revision {since + 1} of gold"


def _trained_as(label: str, name: str | None) -> Text:
    if name is None:
        return Text(LEFT_OUT, style="red")
    return Text(name if name != label else "")


def _count(count: Count) -> str:
    return f"{count.entities:,} / {count.documents:,}" if count.entities else ""
