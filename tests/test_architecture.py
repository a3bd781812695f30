"""What import-linter cannot see: imports open nothing, and heavy libraries stay where they belong.

Each test imports modules in a fresh interpreter and looks at what that did.
"""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import backend
import ml_backend

WATCH = """
import importlib, json, logging, os, sys
opened = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.mkdir", "os.system"):
        opened.append([event, str(arguments)[:200]])
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        opened.append([event, str(arguments[0])])
names = json.loads(sys.argv[1])
before = list(logging.root.handlers)
sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
watched = list(opened)
print(json.dumps({
    "opened": watched,
    "handlers": len(logging.root.handlers) - len(before),
    "modules": sorted(sys.modules),
}))
"""


def modules_of(package) -> list[str]:
    return [found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]


def imported(names: list[str], folder: Path) -> dict:
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, json.dumps(names)],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_importing_the_backend_opens_nothing_and_loads_no_tensors(tmp_path):
    seen = imported(modules_of(backend), tmp_path)
    assert seen["opened"] == []
    assert seen["handlers"] == 0
    assert not {"torch", "transformers", "torchcrf"} & set(seen["modules"])
    assert not list(tmp_path.iterdir())


def test_the_contract_needs_only_light_libraries(tmp_path):
    names = [name for name in modules_of(ml_backend) if name.startswith("ml_backend.contract")]
    seen = imported(names, tmp_path)
    tops = {name.partition(".")[0] for name in seen["modules"]}
    foreign = {
        top
        for top in tops - set(sys.stdlib_module_names)
        if not top.startswith(("_", "sitecustom"))
    }
    of_pydantic = {"annotated_types", "pydantic_core", "typing_extensions", "typing_inspection"}
    assert foreign == {"ml_backend", "defusedxml", "pydantic"} | of_pydantic
