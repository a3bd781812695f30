"""The embedded Label Studio: the pip package in an environment of its own.

It pins other versions of Redis' and RQ's clients than ours. A first start makes its database in
some 40 s, so a migrated one without users is made once, beside its packages, and copied; that it
is there also says that the installation is whole.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from backend.errors import GoldloopError

VERSION = "1.23.2"
CONSTRAINTS = Path(__file__).with_name("label_studio_constraints.txt")
DATABASE = "label_studio.sqlite3"
READY_SECONDS = 180.0
INSTALL_SECONDS = 1800.0

# no calls to the outside; loopback and private networks are where our ML backend lives
ENVIRONMENT = {
    "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
    "SSRF_PROTECTION_ENABLED": "false",
    "ML_BLOCK_LOCAL_IP": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "COLLECT_ANALYTICS": "false",
    "LATEST_VERSION_CHECK": "false",
}


def installed(venv: Path) -> bool:
    """Whether the pinned Label Studio is there, whole."""
    return (_template(venv) / DATABASE).is_file() and (venv / "bin" / "label-studio").exists()


def install(venv: Path, say: Callable[[str], None]) -> None:
    """Make the environment and the migrated database, if lacking; minutes on a first call.

    `say` is told each step. Whatever was interrupted is done again by the next call.
    """
    if installed(venv):
        return
    if not (venv / "bin" / "pip").exists():
        say(f"Label Studio: making {venv}")
        _run([sys.executable, "-m", "venv", "--clear", str(venv)])
    say(f"Label Studio: installing {VERSION}")
    package = f"label-studio=={VERSION}"
    _run([str(venv / "bin" / "pip"), "install", "-q", package, "-c", str(CONSTRAINTS)])
    say("Label Studio: making its database")
    with tempfile.TemporaryDirectory(dir=venv, prefix="template-") as folder:
        data = Path(folder) / "data"
        output = _run([str(venv / "bin" / "label-studio"), "version"], data)
        if f"Label Studio version: {VERSION}" not in output:
            raise GoldloopError(f"{venv} holds another Label Studio than {VERSION}: remove it")
        template = Path(folder) / "template"
        template.mkdir()
        shutil.copy(data / DATABASE, template)  # and not its secret key
        shutil.rmtree(_template(venv), ignore_errors=True)
        template.replace(_template(venv))


def lay_out(venv: Path, data: Path) -> None:
    """Make a data folder with a migrated database and no users, if it has none."""
    data.mkdir(parents=True, exist_ok=True)
    if not (data / DATABASE).exists():
        temporary = data / f".{DATABASE}"
        shutil.copy(_template(venv) / DATABASE, temporary)
        temporary.replace(data / DATABASE)


def start(
    venv: Path, *, data: Path, port: int, email: str, password: str, log: Path
) -> subprocess.Popen[bytes]:
    """Start the server on 127.0.0.1:`port` with one user, sign-up closed; see `wait_ready`.

    It runs in a session of its own and its output is added to `log`.
    """
    data = data.resolve()
    lay_out(venv, data)
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **_environment(data),
        "LABEL_STUDIO_HOST": f"http://127.0.0.1:{port}",
        "LABEL_STUDIO_USERNAME": email,
        "LABEL_STUDIO_PASSWORD": password,
    }
    command = [str(venv / "bin" / "label-studio"), "start", "--no-browser"]
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--internal-host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers; raises GoldloopError when it ends or stays silent."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/health", timeout=5.0).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise GoldloopError(f"Label Studio did not start at {url}; its log says why")


def personal_access_token(url: str, email: str, password: str, kept: Path) -> str:
    """The user's personal access token, made once and kept in the file `kept`, mode 0600.

    Label Studio allows one live token a user and shows it once. When there is one and the file
    is lost, or holds another server's, GoldloopError says what to do.
    """
    with httpx.Client(base_url=url, timeout=30.0) as client:
        if kept.exists():
            token = kept.read_text("ascii").strip()
            if client.post("/api/token/refresh/", json={"refresh": token}).is_success:
                return token
        client.get("/user/login/").raise_for_status()
        form = {
            "email": email,
            "password": password,
            "csrfmiddlewaretoken": client.cookies["csrftoken"],
        }
        headers = {"Referer": f"{url}/user/login/"}
        if not client.post("/user/login/", data=form, headers=headers).is_redirect:
            raise GoldloopError(f"Label Studio at {url} refused the password of {email}")
        headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": url}
        answer = client.post("/api/token/", headers=headers)
    if answer.status_code == httpx.codes.CONFLICT:
        raise GoldloopError(
            f"{email} has a token in Label Studio that {kept} does not hold: revoke it on the "
            "user's account page, or write it to that file"
        )
    answer.raise_for_status()
    token = str(answer.json()["token"])
    kept.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(token)
    return token


def _template(venv: Path) -> Path:
    return venv / f"migrated-{VERSION}"


def _environment(data: Path) -> dict[str, str]:
    # a DATABASE_URL or REDIS_URL of ours, or a Python path, means nothing to it
    inherited = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    kept = {name: os.environ[name] for name in inherited if name in os.environ}
    return {**kept, **ENVIRONMENT, "LABEL_STUDIO_BASE_DATA_DIR": str(data)}


def _run(command: list[str], data: Path | None = None) -> str:
    """Run to the end and return the output; raises GoldloopError with its last lines."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        env=_environment(data) if data else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
    )
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-15:])
        raise GoldloopError(f"{command[0]} ended with status {done.returncode}:\n{tail}")
    return done.stdout
