"""Where a document goes: its duplicate group's permanent part, near copies included."""

from sqlalchemy.orm import Session

from backend.db import releases
from backend.db.groups import most_secret
from backend.db.tables import Part


def roles_of(session: Session, project_id: int) -> dict[str, str]:
    """The part of each group key whose documents do not all name the same one.

    Of several the most secret wins: gold that judges is never trained on. All others stand with
    their documents, so that no memory is taken for half a million groups.
    """
    roles: dict[str, str] = {}
    for keys, parts in releases.disputed_groups(session, project_id):
        roles.update(dict.fromkeys(keys, (most_secret(parts) or Part.TRAIN).value))
    return roles
