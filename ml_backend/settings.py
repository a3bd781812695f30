"""The settings of the ML backend, typed and validated once.

The names and defaults are those of the application's settings, so that one `.env` serves both;
nothing is imported from there.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SOCKET_PATH_LIMIT = 100  # bytes; the kernel's limit for a Unix socket's path is 108


class MlSettingsError(Exception):
    """A setting is missing or wrong; the message says what to set."""


class MlSettings(BaseSettings):
    """What the ML backend needs to know. The password has no default."""

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
    model_store: Path | None = Field(
        None, description="folder of model versions; empty: models in GOLDLOOP_HOME"
    )
    redis_url: str = Field("", description="Redis address; empty: a socket in GOLDLOOP_HOME")
    ml_backend_user: str = Field("goldloop", description="basic-auth user of the ML backend")
    ml_backend_password: SecretStr = Field(
        SecretStr(""), description="basic-auth password of the ML backend"
    )
    ml_backend_bind: str = Field("127.0.0.1:9090", description="host:port of the ML backend")
    ml_backend_threads: int = Field(
        32, ge=2, le=512, description="requests the ML backend answers at once"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("ml_backend_bind")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError("give host:port, as in 127.0.0.1:9090")
        return value

    @field_validator("redis_url")
    @classmethod
    def _is_redis_address(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("give an address that begins with redis://, rediss:// or unix://")
        return value

    @property
    def redis_address(self) -> str:
        """The Redis address in force; the same socket as the application's."""
        if self.redis_url:
            return self.redis_url
        socket = self.goldloop_home.resolve() / "redis.sock"
        if len(str(socket).encode()) <= SOCKET_PATH_LIMIT:
            return f"unix://{socket}"
        digest = hashlib.sha256(str(socket).encode()).hexdigest()[:16]
        return f"unix://{Path(tempfile.gettempdir()) / f'goldloop-{digest}.sock'}"

    @property
    def models(self) -> Path:
        """The model store in force."""
        return (self.model_store or self.goldloop_home / "models").resolve()

    def require_password(self) -> str:
        """The password; raises MlSettingsError when none is set."""
        password = self.ml_backend_password.get_secret_value()
        if not password:
            field = type(self).model_fields["ml_backend_password"]
            raise MlSettingsError(f"set ML_BACKEND_PASSWORD: {field.description}")
        return password


def load_settings() -> MlSettings:
    """Read the settings; raises MlSettingsError with one sentence a wrong value."""
    try:
        return MlSettings()
    except ValidationError as error:
        lines = [
            f"{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise MlSettingsError("wrong settings: " + "; ".join(lines)) from None
