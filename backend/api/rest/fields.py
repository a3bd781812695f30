"""The types that the API's requests and answers are made of."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LARGEST_ID = 2**63 - 1  # of a column in the database
LARGEST_PAGE = 500

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A project's key."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""A label, a name, a document's own id; databases take no NUL."""
Sentence = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
Share = Annotated[float, Field(ge=0, le=1)]

Item = TypeVar("Item")
Row = TypeVar("Row")


class Strict(BaseModel):
    """The base of what is asked: a name that is none is a mistake, and so is no number."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Told(BaseModel):
    """The base of what is answered; made from rows as well as from records."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=())


class Paged(Strict):
    """Which part of a list."""

    after: Annotated[
        str | None, Field(pattern=r"^[0-9]{1,18}$", description="`next` of the page before")
    ] = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="rows at most")] = 50

    @property
    def start(self) -> int:
        """The key that the page begins after; 0 for the first."""
        return int(self.after or 0)


class Page(Told, Generic[Item]):
    """Some rows of a list."""

    items: list[Item]
    next: str | None = Field(None, description="give it as `after` for the next page; null: none")


def page(
    rows: Sequence[Row], limit: int, *, key: Callable[[Row], object], told: Callable[[Row], Item]
) -> Page[Item]:
    """The page of a query that asked for one row more than `limit`."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(items=[told(row) for row in shown], next=str(key(shown[-1])) if more else None)


class Done(Told):
    """What an action says when there is nothing else to tell."""

    message: str


Json = dict[str, Any]
