"""Releases and what changed between them, as tables on the terminal."""

import sys
from collections.abc import Sequence

import click
from rich.console import Console
from rich.table import Table

from backend.db.tables_of_releases import Release
from backend.workflow.releases.diff import KINDS, Difference

SHOWN = 20  # documents
PAGE_WIDTH = 200  # characters, where it is no terminal that is written to


def show_releases(releases: Sequence[Release]) -> None:
    """One row a release."""
    table = Table("number", "made", "by", "documents", "entities", "digest", "filters", "note")
    for release in releases:
        counts = release.counts
        table.add_row(
            str(release.number),
            f"{release.created_at:%Y-%m-%d %H:%M}",
            release.made_by,
            str(counts["documents"]),
            str(counts["entities"]),
            release.digest[:12],
            ", ".join(release.filters) or "none",
            release.note,
        )
    _console().print(table)


def show_difference(found: Difference) -> None:
    """Documents, entities by label, labels and mapping; the first of the changed documents."""
    click.echo(
        f"documents: {len(found.added)} added, {len(found.removed)} removed, "
        f"{len(found.changed)} changed, {found.unchanged} unchanged"
        + ("; the gold is the same" if found.same_gold else "")
    )
    for name, its in (("labels", found.labels), ("left out of training", found.left_out)):
        for change in ("added", "removed"):
            if its[change]:
                click.echo(f"{name} {change}: {', '.join(its[change])}")
    for label, (before, after) in found.mapping.items():
        click.echo(f"mapping: {label} was {before or 'itself'}, is {after or 'itself'}")
    table = Table("label", *KINDS)
    for label, counts in sorted(found.entities.items()):
        table.add_row(label, *(str(counts[kind]) for kind in KINDS))
    _console().print(table)
    for document in found.changed[:SHOWN]:
        click.echo(f"{document['id']}: {_told(document)}")
    if len(found.changed) > SHOWN:
        click.echo(f"and {len(found.changed) - SHOWN} more: --json names them all")


def _told(document: dict[str, object]) -> str:
    parts = []
    for key, its in document.items():
        if key == "split" and isinstance(its, list):
            parts.append(f"from {its[0]} to {its[1]}")
        elif key == "entities" and isinstance(its, list):
            parts += [
                f"[{one['start']}, {one['end']}) {one['label']} {one['change']}"
                + (f" to {one['to']}" if "to" in one else "")
                for one in its
            ]
        elif key != "id":
            parts.append(f"{key} changed")
    return ", ".join(parts)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PAGE_WIDTH)
