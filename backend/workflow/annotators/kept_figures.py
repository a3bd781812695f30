"""The figures of annotators, counted once and kept for as long as nothing new was said."""

import threading

from sqlalchemy.orm import Session

from backend.db.annotator_figures import newest_state
from backend.db.tables import Project
from backend.workflow.annotators.figures import AnnotatorFigures, annotator_figures


class KeptFigures:
    """Each project's figures as of its newest annotation and gold; any thread may ask."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[tuple[int, int], AnnotatorFigures]] = {}
        self._counting = threading.Lock()

    def of(self, session: Session, project: Project) -> AnnotatorFigures:
        """A project's figures, counted anew only where there is an annotation or gold since."""
        newest = (newest_state(session, project.id), project.gold_revision)
        found = self._kept.get(project.id)
        if found is None or found[0] != newest:
            with self._counting:
                found = self._kept.get(project.id)
                if found is None or found[0] != newest:
                    found = newest, annotator_figures(session, project.id)
                    self._kept[project.id] = found
        return found[1]
