"""A folder as a download: an archive that is made while it is sent."""

from pathlib import Path

from flask import Response

from backend.workflow.folder_archive import MEDIA_TYPE, tar_of


def download(folder: Path, name: str) -> Response:
    """The answer that sends a folder as `NAME.tar`, its files below `NAME/`."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.tar"'}
    return Response(tar_of(folder, name), mimetype=MEDIA_TYPE, headers=headers)
