"""Which gold a release takes: only people's, agreed upon, some labels, some days."""

from datetime import UTC, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from backend.db.tables import GoldSource
from backend.errors import InvalidInputError

PEOPLES = (GoldSource.PERSON, GoldSource.DECISION)


class Filters(BaseModel):
    """What is taken; as given, a release takes all gold. A part of the manifest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    people_only: bool = Field(
        False, description="gold that a person gave or decided, and copies of such gold"
    )
    min_agreement: float | None = Field(
        None,
        ge=0,
        le=1,
        description="share of the people who annotated a document whose entities are the gold's; "
        "what nobody annotated has no agreement and is left out",
    )
    labels: tuple[str, ...] | None = Field(
        None, description="labels to keep, after the mapping; the others are not annotated"
    )
    since: datetime | None = Field(None, description="gold changed at this time or later, UTC")
    until: datetime | None = Field(None, description="gold changed before this time, UTC")

    @field_validator("labels")
    @classmethod
    def _once_and_sorted(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else tuple(sorted(set(value)))

    @field_validator("since", "until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    @model_validator(mode="after")
    def _some_time_is_left(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("since must be before until")
        return self

    @property
    def takes_all(self) -> bool:
        """Whether `take` need not be asked."""
        return not self.people_only and self.min_agreement is None

    def take(self, source: str, agreement: float | None) -> bool:
        """Whether gold of a source is taken; a copy's source is that of its original."""
        if self.people_only and source not in PEOPLES:
            return False
        return self.min_agreement is None or (
            agreement is not None and agreement >= self.min_agreement
        )

    def to_dict(self) -> dict[str, Any]:
        """What was asked for, as JSON; nothing where all gold is taken."""
        return self.model_dump(mode="json", exclude_defaults=True)


def read_filters(record: dict[str, Any]) -> Filters:
    """Filters as JSON has them; raises InvalidInputError."""
    try:
        return Filters.model_validate(record)
    except ValidationError as error:
        raise InvalidInputError(
            "; ".join(
                f"{'.'.join(map(str, p['loc'])) or 'filters'}: {p['msg']}" for p in error.errors()
            )
        ) from None
