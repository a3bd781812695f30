"""What one installation of the demo keeps between starts: its ports and generated secrets."""

import json
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from backend.errors import GoldloopError
from ml_backend.contract.model_store import write_atomically


@dataclass(frozen=True, slots=True)
class Kept:
    """A small JSON file that only its owner can read."""

    path: Path

    def secret(self, name: str, length: int = 32) -> str:
        """The secret of this name, made at the first call; `length` is bytes of randomness."""
        return self._value(name) or self._keep(name, secrets.token_urlsafe(length))

    def port(self, name: str) -> int:
        """A free port on 127.0.0.1: the one used before unless a neighbour has taken it."""
        for wanted in (int(self._value(name) or 0), 0):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", wanted))
                except OSError:
                    continue
                return int(self._keep(name, str(probe.getsockname()[1])))
        raise GoldloopError("there is no free port on 127.0.0.1")

    def _values(self) -> dict[str, str]:
        if not self.path.exists():
            return {}
        values = json.loads(self.path.read_text("utf-8"))
        assert isinstance(values, dict)
        return values

    def _value(self, name: str) -> str | None:
        return self._values().get(name)

    def _keep(self, name: str, value: str) -> str:
        values = {**self._values(), name: value}
        write_atomically(self.path, json.dumps(values, indent=2).encode(), mode=0o600)
        return value
