"""The chart library, served from its installed package and kept by browsers for a year."""

from importlib.metadata import version
from importlib.resources import as_file, files

from flask import Blueprint, Flask, abort, send_file, url_for
from flask.typing import ResponseReturnValue

VERSION = version("chartkick")
BUNDLE = "django/static/chartkick/Chart.bundle.js"
A_YEAR = 365 * 24 * 3600  # seconds

charts = Blueprint("charts", __name__)


def add_charts(app: Flask) -> None:
    """Give templates the library's address."""
    app.jinja_env.globals["chart_library"] = lambda: url_for("charts.library", version=VERSION)


@charts.get("/charts-<version>.js")
def library(version: str) -> ResponseReturnValue:
    """Chart.js as chartkick brings it; another version has another address."""
    if version != VERSION:
        abort(404)
    with as_file(files("chartkick") / BUNDLE) as path:
        answer = send_file(path, mimetype="text/javascript", max_age=A_YEAR)
    answer.cache_control.public = True
    answer.cache_control.immutable = True
    return answer
