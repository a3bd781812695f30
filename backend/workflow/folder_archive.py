"""A folder as a tar archive that is made while it is read: nothing is held, nothing is written."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

MEDIA_TYPE = "application/x-tar"
_CHUNK = 1024 * 1024  # bytes


def tar_of(folder: Path, name: str) -> Iterator[bytes]:
    """The bytes of the archive; files by name, their rights and owners left out."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        header = tarfile.TarInfo(f"{name}/{path.relative_to(folder).as_posix()}")
        status = path.stat()
        header.size, header.mtime, header.mode = status.st_size, int(status.st_mtime), 0o644
        yield header.tobuf(tarfile.PAX_FORMAT)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
        yield bytes(-status.st_size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)
