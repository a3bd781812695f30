"""Whether a release's folder is the one that was listed when it was made."""

import hashlib
from pathlib import Path

from backend.db.tables_of_releases import Release
from backend.workflow.releases.manifest import MANIFEST
from backend.workflow.releases.verify import Fault


def against_row(row: Release, folder: Path, digest: str) -> list[Fault]:
    """Faults of a folder that is whole in itself but is not the one that was listed."""
    faults = []
    try:
        found = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()
    except OSError:
        found = ""
    if found != row.manifest_digest:
        faults.append(Fault(MANIFEST, "is not the one that was written at the release"))
    if digest and digest != row.digest:
        faults.append(Fault(MANIFEST, f"the files give another digest than {row.digest}"))
    return faults
