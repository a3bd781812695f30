"""`goldloop annotators`: who annotates how, what pre-labels do to them, how far they agree."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.annotator_figures import people
from backend.db.projects import project_by_key
from backend.settings import load_settings
from backend.workflow.annotators.figures import AnnotatorFigures, annotator_figures


@click.command()
@click.argument("project")
@json_option
def annotators(project: str, as_json: bool) -> None:
    """Tell of PROJECT's newest annotations: each person with and without pre-labels, and pairs."""
    with open_context(load_settings()).database.read() as session:
        figures = annotator_figures(session, project_by_key(session, project).id)
        accounts = people(session, [one.account_id for one in figures.people])
    names = {number: account.email for number, account in accounts.items()}
    if as_json:
        print_json(_record(figures, names))
    else:
        _tell(figures, names)


def _record(figures: AnnotatorFigures, names: Mapping[int, str]) -> dict[str, Any]:
    bias, its = figures.bias, figures.agreement
    compared = {number: asdict(one) for number, one in bias.people.items()}
    tested = {number: asdict(one) for number, one in bias.tested.items()}
    return {
        "annotations": figures.annotations,
        "people": [
            {
                "email": names[one.account_id],
                **asdict(one),
                "with_and_without": compared.get(one.account_id),
                "test": tested.get(one.account_id),
            }
            for one in figures.people
        ],
        "agreement": {
            "overall": asdict(its.overall),
            "exact": its.exact,
            "labels": {label: asdict(one) for label, one in its.labels.items()},
            "pairs": [
                {"first": names[one], "second": names[other], **asdict(found)}
                for (one, other), found in its.pairs.items()
            ],
            "disagreements": [
                {
                    "document": one.number,
                    "decided": one.number not in figures.undecided,
                    "said": {names[person]: sorted(said) for person, said in one.said.items()},
                }
                for one in its.disagreements
            ],
        },
    }


def _tell(figures: AnnotatorFigures, names: Mapping[int, str]) -> None:
    bias = figures.bias
    table = Table(title=f"the newest {figures.annotations:,} annotations, with and without help")
    table.add_column("person")
    for title in ("documents", "seconds", "edits", "F1", "wrong pre-labels that stood"):
        table.add_column(title, justify="right")
    for one in figures.people:
        its = bias.people.get(one.account_id)
        if its is None:
            table.add_row(names[one.account_id], f"{one.documents:,}", "", "", "", "")
            continue
        both = (its.helped, its.blind)
        flag = " !" if one.account_id in bias.flagged else ""
        table.add_row(
            names[one.account_id],
            " / ".join(f"{work.documents:,}" for work in both),
            " / ".join(_number(work.seconds, "{:.1f}") for work in both),
            " / ".join(_number(work.edits, "{:.1f}") for work in both),
            " / ".join(_number(work.f1, "{:.3f}") for work in both),
            f"{_number(its.stood.share, '{:.0%}')} of {its.stood.wrong:,}{flag}",
        )
    console = Console()
    console.print(table)
    for number in bias.flagged:
        console.print(f"{names[number]} accepts wrong pre-labels more than chance allows")
    agreed = Table(title=f"agreement on {figures.agreement.overall.documents:,} documents")
    for title in ("who", "documents", "strict F1", "kappa", "alpha"):
        agreed.add_column(title, justify="left" if title == "who" else "right")
    rows = [("everybody", figures.agreement.overall)]
    rows += [
        (f"{names[one]} · {names[other]}", found)
        for (one, other), found in figures.agreement.pairs.items()
    ]
    for who, found in rows:
        measures = (_number(value, "{:.3f}") for value in (found.f1, found.kappa, found.alpha))
        agreed.add_row(who, f"{found.documents:,}", *measures)
    console.print(agreed)


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
