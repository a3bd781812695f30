"""The pages of evidence in a real Chromium: every width, no violation, full and empty."""

import pytest
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document
from tests.backend.admin.browsing import NewPage, look_over
from tests.backend.admin.evidence_data import add_evidence

pytestmark = pytest.mark.real


def test_every_page_fits_every_width_and_has_no_serious_violation(
    new_page: NewPage, filled: Database
) -> None:
    number = add_evidence(filled)
    with filled.read() as session:
        pool = select(Document.id).where(Document.task_state.is_(None), Document.id != number)
        silent = session.scalars(pool).first()
    root = "/projects/general/evidence"
    pages = {
        "evidence": f"{root}/{number}",
        "evidence-span": f"{root}/{number}/0-3",
        "evidence-empty": f"{root}/{silent}",
        "evidence-find": f"{root}?task=99999",
    }
    look_over(new_page, pages)
