"""A folder as an answer: an archive that is made while it is sent."""

from pathlib import Path

from flask import Response

from backend.api.rest.operation import Download
from backend.workflow.folder_archive import MEDIA_TYPE, tar_of

ARCHIVE = Download(MEDIA_TYPE)


def archive(folder: Path, name: str) -> Response:
    """The answer that sends a folder as `NAME.tar`, its files below `NAME/`."""
    response = Response(tar_of(folder, name), mimetype=MEDIA_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.tar"'
    return response
