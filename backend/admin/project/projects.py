"""The list of projects: how far each has come, and what waits there for a curator."""

from dataclasses import dataclass

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from backend.admin.charts.document_bar import document_bar
from backend.admin.charts.sparkline import sparkline
from backend.admin.frame.paging import PAGE_SIZE, asked_after, page_of
from backend.admin.words.wording import number
from backend.db.members import visible_projects
from backend.db.project_cards import ProjectCard, project_cards
from backend.db.projects import settings_of
from backend.opened import opened

projects_page = Blueprint("projects", __name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for a curator, and the section where to act."""

    sentence: str
    section: str


@projects_page.get("/")
def projects() -> ResponseReturnValue:
    """A card for each project."""
    with opened().database.read() as session:
        seen = visible_projects(
            session,
            current_user.role,
            current_user.account_id,
            after=asked_after(),
            limit=PAGE_SIZE + 1,
        )
        page = page_of(seen, lambda project: project.id)
        found = project_cards(session, page.rows)
    cards = [
        {
            "card": card,
            "bar": document_bar(card.documents),
            "spark": sparkline([score for _name, score in card.f1]),
            "waiting": _waiting(card),
            "threshold": settings_of(card.project).retrain_threshold,
        }
        for card in found
    ]
    return render_template("projects.html", cards=cards, page=page)


def _waiting(card: ProjectCard) -> list[Waiting]:
    found = []
    if card.undecided:
        found.append(Waiting(_("A challenger waits for a decision"), "models"))
    if card.conflicts:
        sentence = ngettext(
            "%(count)s group is labelled differently",
            "%(count)s groups are labelled differently",
            card.conflicts,
            count=number(card.conflicts),
        )
        found.append(Waiting(sentence, "duplicates"))
    if card.proposals:
        sentence = ngettext(
            "%(count)s proposal waits for a person",
            "%(count)s proposals wait for a person",
            card.proposals,
            count=number(card.proposals),
        )
        found.append(Waiting(sentence, "autolabel"))
    if card.refused:
        sentence = ngettext(
            "%(count)s delivery could not be used",
            "%(count)s deliveries could not be used",
            card.refused,
            count=number(card.refused),
        )
        found.append(Waiting(sentence, "jobs"))
    return found
