"""Every table, typed. What a row means is said here; the questions asked of it live beside it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A time in UTC; SQLite forgets zones, so it is given back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"a time without a zone: {value}")
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# hexadecimal, so that bytes compare as well as a language's order, and sooner
Digest = String(64).with_variant(String(64, collation="C"), "postgresql")


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
        list[str]: JSON,
    }


Id = BigInteger().with_variant(Integer, "sqlite")


class Role(StrEnum):
    """What an account may do: each includes what stands before it."""

    ANNOTATOR = "annotator"
    CURATOR = "curator"
    ADMINISTRATOR = "administrator"


class Account(Base):
    """A person; matched with a Label Studio user by e-mail address.

    An account without a password hash cannot sign in: it was first seen as an annotator.
    """

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)  # lower case
    name: Mapped[str] = mapped_column(String(200), default="")
    role: Mapped[str] = mapped_column(String(20), default=Role.ANNOTATOR)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    session_token: Mapped[str] = mapped_column(String(64))  # changes with the password
    label_studio_user_id: Mapped[int | None] = mapped_column(Integer, index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Project(Base):
    """One label set, one pool of documents, one champion, one Label Studio project."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(63), unique=True)  # its folder in the model store
    name: Mapped[str] = mapped_column(String(200))
    label_config: Mapped[str] = mapped_column(Text)
    labels: Mapped[list[str]]
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)  # ProjectSettings
    label_studio_id: Mapped[int | None] = mapped_column(Integer, unique=True)
    # when it was made there, as Label Studio says: another server's has the same number
    label_studio_since: Mapped[str | None] = mapped_column(String(40))
    connected_at: Mapped[datetime | None]  # since when we may write there
    # champion_id has no constraint of its own: versions refer to projects already
    champion_id: Mapped[int | None] = mapped_column(Id)
    # rises with every change of gold, under the project's row lock: "since" is exact
    gold_revision: Mapped[int] = mapped_column(Id, default=0)
    # whether keys of duplicate groups are made with case folded: workflow/duplicates/rekey.py
    keys_folded: Mapped[bool] = mapped_column(default=False, server_default=false())
    # the gold revision at which no copy's gold was behind; below 0 when copies changed since
    copies_revision: Mapped[int | None] = mapped_column(Id)
    next_version: Mapped[int] = mapped_column(Integer, default=1)
    # label → the gold revision from which on gold speaks of it: older gold does not
    label_since: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # label that left the configuration → the last gold revision in which people had it
    label_until: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    # a request for training that came while a run was active: its reason, else None
    training_wanted: Mapped[str | None] = mapped_column(String(200))
    # the annotation state up to which rejections were made of those from before; None: of all
    rejections_after: Mapped[int | None] = mapped_column(Id)
    last_queue_number: Mapped[int] = mapped_column(Integer, default=0)
    last_event_at: Mapped[datetime | None]
    last_sync_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def writable_id(self) -> int | None:
        """The Label Studio project we may write to: None for one that was only adopted."""
        return self.label_studio_id if self.connected_at is not None else None


class Part(StrEnum):
    """The permanent role of a duplicate group."""

    TRAIN = "train"
    DEV = "dev"
    GATE = "gate"
    CERTIFY = "certify"
    TEST = "test"


class Arm(StrEnum):
    """How a document came to be shown to people: this decides whether it may judge models."""

    RANKED = "ranked"
    RANDOM = "random"


class TaskState(StrEnum):
    """Where a document's Label Studio task stands; a document that never had one has no state."""

    OPEN = "open"  # not all who are asked have submitted or skipped it
    DONE = "done"  # they have
    DELETED = "deleted"  # gone from Label Studio


# has a place in the queue, and no task yet
RESERVED = "queue_number IS NOT NULL AND task_state IS NULL"


class Document(Base):
    """A text exactly as imported. `canonical_id` names the document it is an exact copy of.

    `near_id` names a group of documents that are nearly the same, with their exact copies, by the
    number of its oldest one; None for a document that has no near copy.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("project_id", "external_id"),
        UniqueConstraint("project_id", "task_id", name="uq_documents_task"),
        Index("ix_documents_group", "project_id", "group_key", "canonical_id"),
        Index("ix_documents_pool", "project_id", "canonical_id", "task_state"),
        Index("ix_documents_task_state", "project_id", "task_state"),
        Index(
            "ix_documents_unsorted",
            "project_id",
            "id",
            sqlite_where=text("deduped IS 0"),
            postgresql_where=text("deduped IS false"),
        ),
        Index(
            "ix_documents_copies",
            "project_id",
            "canonical_id",
            sqlite_where=text("canonical_id IS NOT NULL"),
            postgresql_where=text("canonical_id IS NOT NULL"),
        ),
        Index(
            "ix_documents_near",
            "project_id",
            "near_id",
            sqlite_where=text("near_id IS NOT NULL"),
            postgresql_where=text("near_id IS NOT NULL"),
        ),
        Index(
            "ix_documents_reserved",
            "project_id",
            "queue_number",
            sqlite_where=text(RESERVED),
            postgresql_where=text(RESERVED),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    external_id: Mapped[str] = mapped_column(
        String(200)
    )  # the file's own id, or made from the text
    text: Mapped[str] = mapped_column(Text)
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    file: Mapped[str | None] = mapped_column(Text)  # that brought it, or later brought its gold
    group_key: Mapped[str] = mapped_column(Digest)  # SHA-256 of the normal form
    canonical_id: Mapped[int | None] = mapped_column(ForeignKey("documents.id"))
    near_id: Mapped[int | None] = mapped_column(Id)
    deduped: Mapped[bool] = mapped_column(default=False)  # whether dedupe has looked at it
    # labels that nobody looked for in it: the file it came from had a smaller label set
    not_annotated: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    arm: Mapped[str | None] = mapped_column(String(10))
    part: Mapped[str | None] = mapped_column(String(10))
    task_id: Mapped[int | None] = mapped_column(Integer)
    task_state: Mapped[str | None] = mapped_column(String(10))
    queue_number: Mapped[int | None] = mapped_column(Integer)  # 1 is served first
    # imported gold that a person's gold replaced: given back when that is withdrawn
    imported_gold: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=now)

    gold: Mapped["Gold | None"] = relationship(back_populates="document")


class DocumentCount(Base):
    """How many documents of a project are in a state; kept up by writers (document_counts.py)."""

    __tablename__ = "document_counts"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    state: Mapped[str] = mapped_column(String(10), primary_key=True)
    documents: Mapped[int] = mapped_column(Id, default=0)


class AnnotationStatus(StrEnum):
    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    DELETED = "deleted"


class AnnotationState(Base):
    """One state that a Label Studio annotation was seen in. Rows are only ever added.

    `entities` is what was left after cleaning, `cleaned` counts what was mended by which rule,
    `correction` counts kept, added, removed, moved and relabelled against `version_name`'s
    prediction; both are empty for skipped and deleted annotations.
    """

    __tablename__ = "annotation_states"
    __table_args__ = (
        UniqueConstraint("project_id", "annotation_id", "updated_at", "status"),
        Index("ix_annotation_states_document", "document_id"),
        Index("ix_annotation_states_project", "project_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    annotation_id: Mapped[int] = mapped_column(Integer)  # Label Studio's
    updated_at: Mapped[datetime]  # Label Studio's
    status: Mapped[str] = mapped_column(String(10))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    lead_time: Mapped[float | None]  # seconds
    entities: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    regions: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # as Label Studio sent them
    version_name: Mapped[str | None] = mapped_column(String(63))  # of the prediction it began from
    cleaned: Mapped[dict[str, Any]] = mapped_column(default=dict)
    correction: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # entities that the person added, moved or relabelled; None where nothing was predicted
    corrected: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    seen_at: Mapped[datetime] = mapped_column(default=now)


class GoldSource(StrEnum):
    """Who vouches for a document's gold."""

    PERSON = "person"
    IMPORTED = "imported"
    COPIED = "copied"  # of a document that this one is an exact copy of
    DECISION = "decision"  # of a curator, about documents that were labelled differently
    RULE = "rule"  # the autolabel promise that a curator signed


BY_PEOPLE = "source IN ('person', 'decision')"


class Gold(Base):
    """The accepted entities of a document. `revision` is the project's counter when it changed."""

    __tablename__ = "gold"
    __table_args__ = (
        Index("ix_gold_revision", "project_id", "revision"),
        Index("ix_gold_source", "project_id", "source", "document_id"),
        Index(
            "ix_gold_people",
            "project_id",
            "revision",
            sqlite_where=text(BY_PEOPLE),
            postgresql_where=text(BY_PEOPLE),
        ),
    )

    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    entities: Mapped[list[dict[str, Any]]]
    source: Mapped[str] = mapped_column(String(10))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    annotation_state_id: Mapped[int | None] = mapped_column(ForeignKey("annotation_states.id"))
    adjudication_id: Mapped[int | None] = mapped_column(ForeignKey("adjudications.id"))
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("promises.id"))
    version_name: Mapped[str | None] = mapped_column(String(63))  # whose prediction was accepted
    revision: Mapped[int] = mapped_column(Id)
    updated_at: Mapped[datetime] = mapped_column(default=now)

    document: Mapped[Document] = relationship(back_populates="gold")


class VersionState(StrEnum):
    CANDIDATE = "candidate"
    CHAMPION = "champion"
    REFUSED = "refused"
    RETIRED = "retired"


class Version(Base):
    """One set of weights. `figures` is what its training and gate measured."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(63))
    state: Mapped[str] = mapped_column(String(10), default=VersionState.CANDIDATE)
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    # when Label Studio stopped selecting it, and when its predictions there were removed
    deselected_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class RunState(StrEnum):
    """`ACTIVE_RUNS` hold the project: a database index allows one of them a project."""

    QUEUED = "queued"
    TRAINING = "training"
    JUDGING = "judging"
    WAITING = "waiting"  # too little gate gold: a curator decides; does not hold the project
    PROMOTED = "promoted"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


ACTIVE_RUNS = (RunState.QUEUED, RunState.TRAINING, RunState.JUDGING)
FINISHED_RUNS = (RunState.PROMOTED, RunState.REFUSED, RunState.WAITING)


class Run(Base):
    """One training run, from its frozen snapshot to the gate's decision.

    The lease: `beat` is the last heartbeat seen in the job folder and `lease_until` the time by
    which the next must be seen, else the run is taken for dead.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "uq_runs_active",
            "project_id",
            unique=True,
            sqlite_where=text("state IN ('queued', 'training', 'judging')"),
            postgresql_where=text("state IN ('queued', 'training', 'judging')"),
        ),
        Index("ix_runs_project", "project_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    state: Mapped[str] = mapped_column(String(10), default=RunState.QUEUED)
    asked_by: Mapped[str] = mapped_column(String(254))  # an address, "threshold", "label studio"
    # options of the trainer that are this run's own, above the project's
    options: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    reason: Mapped[str] = mapped_column(Text, default="")  # why it ended as it did
    gold_revision: Mapped[int] = mapped_column(Id, default=0)  # of the snapshot
    snapshot_digest: Mapped[str] = mapped_column(String(64), default="")
    folder: Mapped[str] = mapped_column(Text, default="")
    beat: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None]
    gate: Mapped[dict[str, Any]] = mapped_column(default=dict)  # the decision's numbers
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class Prediction(Base):
    """Our own copy of what a version said of a document."""

    __tablename__ = "predictions"
    __table_args__ = (Index("ix_predictions_version", "version_id"),)

    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version_id: Mapped[int] = mapped_column(
        ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    entities: Mapped[list[dict[str, Any]]]
    confidence: Mapped[float]
    created_at: Mapped[datetime] = mapped_column(default=now)


class PublicationState(StrEnum):
    """The steps of a publication in their order; each may be run again."""

    PREDICTING = "predicting"
    IMPORTING = "importing"
    SELECTING = "selecting"
    SERVING = "serving"
    DONE = "done"
    FAILED = "failed"


class Publication(Base):
    """One attempt to make a version the served one: promotion and rollback alike."""

    __tablename__ = "publications"
    __table_args__ = (
        Index(
            "uq_publications_active",
            "project_id",
            unique=True,
            sqlite_where=text("state NOT IN ('done', 'failed')"),
            postgresql_where=text("state NOT IN ('done', 'failed')"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    state: Mapped[str] = mapped_column(String(10), default=PublicationState.PREDICTING)
    asked_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(Text, default="")
    folder: Mapped[str] = mapped_column(Text, default="")
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class InboxState(StrEnum):
    NEW = "new"
    DONE = "done"
    REFUSED = "refused"  # garbage, or nothing we know: kept with the reason


class InboxEvent(Base):
    """A webhook delivery exactly as it came, written before anything else happens."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index("ix_inbox_new", "state", "id"),
        Index("ix_inbox_action", "project_id", "action"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    action: Mapped[str] = mapped_column(String(60), default="")
    payload: Mapped[dict[str, Any]]  # without project.token
    state: Mapped[str] = mapped_column(String(10), default=InboxState.NEW)
    reason: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    received_at: Mapped[datetime] = mapped_column(default=now)
    handled_at: Mapped[datetime | None]


class Reconciliation(Base):
    """The report of one comparison with Label Studio: what was found and what was done."""

    __tablename__ = "reconciliations"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    report: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Lease(Base):
    """Who works on a thing that only one may work on at a time, such as a project's tasks.

    A holder that dies lets go when `until` passes. `wanted` is set by one who came meanwhile:
    the holder then looks once more before it lets go.
    """

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    holder: Mapped[str] = mapped_column(String(32))
    until: Mapped[datetime]
    wanted: Mapped[bool] = mapped_column(default=False)
