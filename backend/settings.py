"""Every setting, typed and validated once.

Read from the environment and `.env`. With nothing set, all is embedded below `GOLDLOOP_HOME`:
SQLite, a Redis socket, a Label Studio, the model store.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backend.errors import SettingsError

SOCKET_PATH_LIMIT = 100  # bytes; the kernel's limit for a Unix socket's path is 108
SECRET_KEY_LENGTH = 32


class Settings(BaseSettings):
    """The application's settings; see README for the table. Secrets have no default."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    goldloop_home: Path = Field(
        Path(".goldloop"), description="folder of everything embedded: database, jobs, models"
    )
    database_url: str = Field("", description="SQLAlchemy address; empty: SQLite in GOLDLOOP_HOME")
    redis_url: str = Field("", description="Redis address; empty: a socket in GOLDLOOP_HOME")
    model_store: Path | None = Field(
        None, description="folder of model versions, shared with the ML backend and workers"
    )
    jobs_folder: Path | None = Field(
        None, description="folder of training and prediction jobs, shared with the workers"
    )
    label_studio_url: str = Field("", description="address of Label Studio as we reach it")
    label_studio_api_key: SecretStr = Field(
        SecretStr(""), description="a personal access token (or legacy token) of Label Studio"
    )
    label_studio_public_url: str = Field(
        "", description="address of Label Studio as browsers reach it; empty: LABEL_STUDIO_URL"
    )
    label_studio_venv: Path = Field(
        Path(".venv-label-studio"),
        description="virtual environment of the embedded Label Studio; made when lacking",
    )
    public_url: str = Field(
        "http://127.0.0.1:5000",
        description="address of the admin application as browsers reach it",
    )
    internal_url: str = Field(
        "",
        description="address of the admin application as Label Studio reaches it; "
        "empty: PUBLIC_URL",
    )
    ml_backend_url: str = Field(
        "http://127.0.0.1:9090", description="address of the ML backend as Label Studio sees it"
    )
    ml_backend_user: str = Field("goldloop", description="basic-auth user of the ML backend")
    ml_backend_password: SecretStr = Field(
        SecretStr(""), description="basic-auth password of the ML backend"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="signs sessions; 32 characters or more"
    )
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="sent by Label Studio's webhook in its Authorization header"
    )
    admin_bind: str = Field("127.0.0.1:5000", description="host:port of the admin application")
    ml_backend_bind: str = Field("127.0.0.1:9090", description="host:port of the ML backend")
    behind_proxy: bool = Field(False, description="trust X-Forwarded-* and mark cookies Secure")
    http_timeout: float = Field(30.0, gt=0, description="seconds for a call to another service")
    sync_every: int = Field(300, ge=5, description="seconds between reconciliations")
    tick_every: int = Field(5, ge=1, description="seconds between looks at runs and the inbox")
    lease_seconds: int = Field(30, ge=5, description="silence after which a run counts as dead")
    task_lock_ttl: int = Field(
        86400, ge=0, description="seconds for which Label Studio keeps a task for an annotator"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator(
        *("label_studio_url", "label_studio_public_url"),
        *("public_url", "internal_url", "ml_backend_url"),
    )
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("give an address that begins with http:// or https://")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _is_database_address(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql", "postgres://")):
            raise ValueError("give an address that begins with postgresql:// or sqlite:///")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis_address(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("give an address that begins with redis://, rediss:// or unix://")
        return value

    @field_validator("admin_bind", "ml_backend_bind")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError("give host:port, as in 127.0.0.1:5000")
        return value

    @field_validator("secret_key")
    @classmethod
    def _is_long(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < SECRET_KEY_LENGTH:
            raise ValueError(f"give {SECRET_KEY_LENGTH} characters or more")
        return value

    @property
    def database_address(self) -> str:
        """The SQLAlchemy address in force; `postgresql://` is read as psycopg 3."""
        if not self.database_url:
            return f"sqlite:///{self.goldloop_home.resolve() / 'goldloop.db'}"
        for prefix in ("postgresql://", "postgres://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    @property
    def redis_address(self) -> str:
        """The Redis address in force; the embedded socket's path is kept short enough to bind."""
        return self.redis_url or f"unix://{self.redis_socket}"

    @property
    def redis_socket(self) -> Path:
        """Where the embedded Redis listens."""
        socket = self.goldloop_home.resolve() / "redis.sock"
        if len(str(socket).encode()) <= SOCKET_PATH_LIMIT:
            return socket
        digest = hashlib.sha256(str(socket).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"goldloop-{digest}.sock"

    @property
    def models(self) -> Path:
        """The model store in force."""
        return (self.model_store or self.goldloop_home / "models").resolve()

    @property
    def jobs(self) -> Path:
        """The folder of job folders in force."""
        return (self.jobs_folder or self.goldloop_home / "jobs").resolve()

    @property
    def releases(self) -> Path:
        """The folder of gold releases, one folder a project in it."""
        return (self.goldloop_home / "releases").resolve()

    def require(self, *names: str) -> None:
        """Stop with a sentence unless each of these is set."""
        for name in names:
            value = getattr(self, name)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                field = type(self).model_fields[name]
                raise SettingsError(f"set {name.upper()}: {field.description}")


def load_settings() -> Settings:
    """Read the settings; raises SettingsError with one sentence a wrong value."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SettingsError("wrong settings: " + "; ".join(lines)) from None


class ProjectSettings(BaseModel):
    """What a curator sets for one project; stored as JSON with the project."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("min_support", mode="before")
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        return None if value == "" else value

    retrain_threshold: int = Field(50, ge=1, description="changed gold documents that start a run")
    gate_margin: float = Field(
        0.02, ge=0, le=1, description="how much worse in F1 a challenger may be, at most"
    )
    gate_class_margin: float = Field(
        0.10, ge=0, le=1, description="how far one class's F1 may fall"
    )
    gate_class_support: int = Field(
        20, ge=1, description="gate entities from which a class's own margin counts"
    )
    gate_min_documents: int = Field(
        30,
        ge=1,
        title="Fewest gate documents",
        description="gate documents below which it is unsure",
    )
    gate_when_little: Literal["ask", "promote"] = Field(
        "ask",
        title="When the gate is unsure",
        description="ask a curator, or promote the challenger",
    )
    open_tasks: int = Field(2000, ge=1, description="tasks kept open in Label Studio")
    random_share: float = Field(
        0.15, ge=0, le=1, description="share of what people see that is chosen at random"
    )
    selection: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default_factory=lambda: {"mnlp": 1.0},
        min_length=1,
        title="Strategies",
        description="strategies of active learning and their weights",
    )
    label_target: int = Field(
        200, ge=1, description="gold entities that each label should have, for the strategy balance"
    )
    shared_share: float = Field(
        0.0, ge=0, le=1, description="share of what people see that several of them annotate"
    )
    annotators_each: int = Field(
        2, ge=2, le=20, description="people who annotate each shared document"
    )
    blind_share: float = Field(
        0.05, ge=0, le=0.5, description="share of what people see that is shown without pre-labels"
    )
    casefold: bool = Field(
        False, description="texts that differ in upper and lower case alone are copies too"
    )
    near_threshold: float = Field(
        0.85, ge=0.5, le=1, description="similarity from which two texts are near copies"
    )
    min_support: int | None = Field(
        None,
        ge=0,
        title="Minimum support",
        description="gold entities below which a label is left out of training; 0 leaves none "
        "out, empty means 1,500 once the project has 20,000 gold entities",
    )
    autolabel_p: float = Field(
        0.95,
        gt=0,
        lt=1,
        title="Autolabel promise",
        description="least probability that a document accepted by rule is exactly right",
    )
    autolabel_delta: float = Field(
        0.05,
        gt=0,
        lt=1,
        title="Autolabel risk",
        description="chance at most that the autolabel promise is not kept",
    )
    audit_share: float = Field(
        0.05, ge=0, le=1, description="share of what the rule accepted that people label blind"
    )
    pseudo_confidence: float = Field(
        1.0,
        gt=0,
        le=1,
        title="Pseudo-labels from",
        description="confidence from which documents that the champion labelled, and nobody has "
        "looked at, teach the next version with the weight training.pseudo_weight; 1 takes none",
    )
    training: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="options handed to the trainer"
    )
