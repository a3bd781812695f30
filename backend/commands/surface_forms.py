"""`goldloop surface-forms`: strings that carry several labels."""

import json
from itertools import islice

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.commands.progress import document_bar
from backend.context import open_context
from backend.db.pool import documents
from backend.db.projects import project_by_key
from backend.db.releases import count_gold
from backend.db.surfaces import surfaces
from backend.settings import load_settings
from backend.workflow.labels.surface_forms import SurfaceForm
from backend.workflow.labels.surface_forms import surface_forms as forms_of


@click.command("surface-forms")
@click.argument("project")
@click.option("--label", "labels", multiple=True, help="only forms that carry this label")
@click.option("--min-count", default=2, show_default=True, help="entities of a form, at least")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(0), help="0: all")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def surface_forms(
    project: str, labels: tuple[str, ...], min_count: int, limit: int, as_json: bool
) -> None:
    """List strings in PROJECT's gold that carry several labels.

    A rare label of a frequent form comes first: it is the likeliest mistake.
    """
    with open_context(load_settings()).database.read() as session, document_bar() as bar:
        project_id = project_by_key(session, project).id
        total = count_gold(session, project_id)
        gold = bar.track(surfaces(session, project_id), total=total, description="gold")
        found = [
            form
            for form in forms_of(gold)
            if form.count >= min_count and set(labels) <= {one.label for one in form.labels}
        ]
        shown = list(islice(found, limit or None))
        numbers = {n for form in shown for one in form.labels for n in one.documents}
        names = {n: one.external_id for n, one in documents(session, sorted(numbers)).items()}
    if as_json:
        told = [_to_dict(form, names) for form in shown]
        click.echo(json.dumps({"count": len(found), "forms": told}, ensure_ascii=False))
        return
    table = Table("form", "count", "labels", "documents of the rarest")
    for form in shown:
        counts = ", ".join(f"{one.label} {one.count}" for one in form.labels)
        rarest = ", ".join(names[number] for number in form.labels[-1].documents)
        table.add_row(escape(form.form), str(form.count), escape(counts), escape(rarest))
    Console().print(table)
    click.echo(f"{len(found)} forms carry several labels")


def _to_dict(form: SurfaceForm, names: dict[int, str]) -> dict[str, object]:
    return {
        "form": form.form,
        "count": form.count,
        "labels": [
            {
                "label": one.label,
                "count": one.count,
                "documents": [names[number] for number in one.documents],
            }
            for one in form.labels
        ],
    }
