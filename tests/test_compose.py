"""docker-compose.yml, as far as it can be proven without Docker.

Every variable is one that a settings object knows, every secret must be given, and each of our
services' very command runs here, against a real Redis and PostgreSQL, until its own health check
passes.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import yaml

from backend.embedded import label_studio as embedded
from backend.settings import Settings
from ml_backend.settings import MlSettings
from tests.servers import REPOSITORY, end, free_port

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
RUNNING = ("admin", "ml-backend", "scheduler", "worker-default", "worker-predict", "worker-train")
VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")
SECRETS = {
    "POSTGRES_PASSWORD": "p4ssword",
    "SECRET_KEY": "k" * 32,
    "WEBHOOK_SECRET": "w" * 32,
    "LABEL_STUDIO_API_KEY": "0123456789abcdef0123456789abcdef01234567",
    "LABEL_STUDIO_USERNAME": "annotator@example.com",
    "LABEL_STUDIO_PASSWORD": "tests-only-password",
    "ML_BACKEND_PASSWORD": "m" * 32,
}


class UnsetError(Exception):
    """Compose would stop: a variable that must be given is not."""


def resolve(value: object, given: dict[str, str]) -> str:
    """What Compose makes of a value: `${NAME:-default}` and `${NAME:?must be given}`."""

    def one(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        if given.get(name):
            return given[name]
        if operator == ":-":
            return rest
        raise UnsetError(name)

    return VARIABLE.sub(one, str(value))


def environment(service: str, given: dict[str, str] = SECRETS) -> dict[str, str]:
    declared = SERVICES[service].get("environment", {})
    return {name: resolve(value, given) for name, value in declared.items()}


def known_settings() -> set[str]:
    return {name.upper() for name in (*Settings.model_fields, *MlSettings.model_fields)}


def test_the_services_are_those_of_the_readme_and_the_demo():
    assert set(SERVICES) == {
        *(*RUNNING, "label-studio", "redis", "postgres", "migrate", "worker-train-gpu")
    }
    assert SERVICES["worker-train-gpu"]["profiles"] == ["gpu"]
    assert SERVICES["worker-train-gpu"]["command"] == SERVICES["worker-train"]["command"]
    assert not any("profiles" in SERVICES[name] for name in SERVICES if name != "worker-train-gpu")


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name):
    assert set(environment(name)) <= known_settings()
    assert environment(name), "a service without any setting cannot find the others"


@pytest.mark.parametrize("name", OURS)
def test_the_settings_accept_what_the_file_gives(name, monkeypatch):
    for variable, value in environment(name).items():
        monkeypatch.setenv(variable, value)
    settings, ml_settings = Settings(_env_file=None), MlSettings(_env_file=None)
    assert settings.models == ml_settings.models
    kept = (settings.models, settings.jobs, settings.releases)
    assert kept == (Path("/data/models"), Path("/data/jobs"), Path("/data/releases"))
    assert settings.redis_address == ml_settings.redis_address == "redis://redis:6379/0"
    if "DATABASE_URL" in environment(name):
        assert settings.database_address.startswith("postgresql+psycopg://goldloop:p4ssword@")


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_has_a_default(secret):
    given = {name: value for name, value in SECRETS.items() if name != secret}
    stopped = []
    for name in SERVICES:
        try:
            environment(name, given)
        except UnsetError as error:
            stopped.append(str(error))
    assert set(stopped) == {secret}


def test_no_secret_is_written_in_the_file():
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("(PASSWORD|SECRET|SECRET_KEY|USER_TOKEN|API_KEY)$", variable):
                assert str(value).startswith("${"), f"{variable} of {name}"


def test_what_is_shared_is_shared():
    for name, service in OURS.items():
        assert service["volumes"] == ["data:/data"], name
    declared = {volume.split(":")[0] for s in SERVICES.values() for volume in s.get("volumes", [])}
    assert declared == set(COMPOSE["volumes"])
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name


def test_every_service_that_runs_on_has_a_health_check():
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {
        "migrate"
    }
    for name in RUNNING:
        assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "goldloop", "health", name]


def test_images_are_pinned_and_dockerfiles_stand_beside_their_package():
    assert SERVICES["label-studio"]["image"] == f"heartexlabs/label-studio:{embedded.VERSION}"
    for name, service in SERVICES.items():
        if "build" not in service:
            assert re.search(r":\d+[.\d]*(-\w+)?$", service["image"]), name
            continue
        dockerfile = REPOSITORY / service["build"]["context"] / service["build"]["dockerfile"]
        text = dockerfile.read_text("utf-8")
        assert "\nUSER goldloop\n" in text
        assert "--constraint constraints.txt" in text
        for source in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
            assert all((REPOSITORY / part).exists() for part in source.split()), source


def test_label_studio_is_set_as_the_embedded_one():
    assert embedded.ENVIRONMENT.items() <= environment("label-studio").items()


@dataclass
class Natively:
    """Runs a service's own command here, its addresses exchanged for this machine's."""

    addresses: dict[str, str]
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self, name: str) -> dict[str, str]:
        given = environment(name)
        here = {variable: self.addresses.get(variable, value) for variable, value in given.items()}
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "OMP_NUM_THREADS": "1", **here}

    def command(self, words: list[str]) -> list[str]:
        assert words[0] == "goldloop"
        return [str(Path(sys.executable).with_name("goldloop")), *words[1:]]

    def start(self, name: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(SERVICES[name]["command"]),
                env=self.environment(name),
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def check(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run the service's health check once."""
        return subprocess.run(
            self.command(SERVICES[name]["healthcheck"]["test"][1:]),
            env=self.environment(name),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", errors="replace")


@pytest.fixture
def natively(tmp_path, postgresql, redis_server):
    binds = {name: f"127.0.0.1:{free_port()}" for name in ("ADMIN_BIND", "ML_BACKEND_BIND")}
    addresses = {
        "DATABASE_URL": postgresql.create(),
        "REDIS_URL": redis_server.address,
        "GOLDLOOP_HOME": str(tmp_path),
        "PUBLIC_URL": f"http://{binds['ADMIN_BIND']}",
        "ML_BACKEND_URL": f"http://{binds['ML_BACKEND_BIND']}",
        **binds,
    }
    runner = Natively(addresses, tmp_path)
    yield runner
    for process in runner.processes:
        end(process)


@pytest.mark.real
def test_each_command_runs_until_its_health_check_passes(natively):
    assert natively.start("migrate").wait(60) == 0, natively.log("migrate")
    running = {name: natively.start(name) for name in RUNNING}
    for name, process in running.items():
        deadline = time.monotonic() + 90
        while (check := natively.check(name)).returncode and time.monotonic() < deadline:
            assert process.poll() is None, natively.log(name)
            time.sleep(0.5)
        assert check.returncode == 0, check.stderr + natively.log(name)
    for name, process in running.items():
        process.terminate()
        assert process.wait(30) == 0, natively.log(name)
    for name in ("admin", "ml-backend", "worker-default", "worker-predict", "worker-train"):
        stopped = natively.check(name)
        assert stopped.returncode == 1, f"the health check of {name} passes without it"
        assert stopped.stderr.startswith("goldloop: ")


@pytest.mark.real
def test_the_admin_is_unhealthy_before_the_migration(natively):
    natively.start("admin")
    deadline = time.monotonic() + 60
    while "503" not in (check := natively.check("admin")).stderr:
        assert time.monotonic() < deadline, check.stderr + natively.log("admin")
        time.sleep(0.3)
    assert check.returncode == 1


@pytest.mark.real
def test_label_studio_takes_the_token_that_the_file_chooses(tmp_path):
    """Its own image's start, as pip's package does it, with the environment of the file."""
    venv = REPOSITORY / Settings.model_fields["label_studio_venv"].default
    embedded.install(venv, print)
    embedded.lay_out(venv, tmp_path / "data")
    port = free_port()
    with (tmp_path / "label-studio.log").open("wb") as log:
        process = subprocess.Popen(
            [venv / "bin" / "label-studio", "start", "--no-browser", "--port", str(port)],
            env={
                "PATH": os.environ["PATH"],
                "LABEL_STUDIO_BASE_DATA_DIR": str(tmp_path / "data"),
                **environment("label-studio"),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        embedded.wait_ready(f"http://127.0.0.1:{port}", process)
        user = httpx.get(
            f"http://127.0.0.1:{port}/api/current-user/whoami",
            headers={"Authorization": f"Token {SECRETS['LABEL_STUDIO_API_KEY']}"},
        )
        assert user.json()["email"] == SECRETS["LABEL_STUDIO_USERNAME"]
    finally:
        end(process)
