"""How numbers and times are written on the pages."""

from datetime import datetime

from flask import Flask
from flask_babel import gettext as _

from backend.admin.words.told import told
from backend.admin.words.words import word
from backend.db.tables import now


def add_wording(app: Flask) -> None:
    """Give templates the filters of this file."""
    for written in (number, figure, score, percent, ago, duration, signed, word, told):
        app.jinja_env.filters[written.__name__] = written


def number(value: int) -> str:
    """A count with thousands marked."""
    return f"{value:,}"


def figure(value: object) -> str:
    """A figure of a chart: a number, the two ends of a range, or nothing."""
    if isinstance(value, list | tuple):
        return " – ".join(figure(one) for one in value)
    if isinstance(value, float):
        return f"{value:.4g}"
    return number(value) if isinstance(value, int) else str(value or "–")


def score(value: float | None) -> str:
    """A ratio as a score of three places."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def signed(value: float) -> str:
    """A difference of scores with its sign."""
    return f"{value:+.3f}".replace("-", "−")


def percent(value: float | None) -> str:
    """A share in whole percent; something never rounds to nothing, nor all but one to all."""
    if value is None:
        return "–"
    if 0 < value < 0.01:
        return "<1 %"
    return f"{min(99, round(value * 100)) if value < 1 else 100} %"


def duration(seconds: float | None) -> str:
    """A stretch of time in the one or two units that matter."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return _("%(seconds)s s", seconds=whole)
    if whole < 3600:
        return _("%(minutes)s min %(seconds)s s", minutes=whole // 60, seconds=f"{whole % 60:02d}")
    if whole < 172_800:
        minutes = f"{whole % 3600 // 60:02d}"
        return _("%(hours)s h %(minutes)s min", hours=whole // 3600, minutes=minutes)
    return _("%(days)s days", days=whole // 86_400)


def ago(time: datetime | None) -> str:
    """How long ago something happened, in the unit that matters."""
    if time is None:
        return _("never")
    seconds = (now() - time).total_seconds()
    if seconds < 10:
        return _("just now")
    if seconds < 60:
        return _("%(seconds)s s ago", seconds=int(seconds // 10) * 10)
    if seconds < 3600:
        return _("%(minutes)s min ago", minutes=int(seconds // 60))
    if seconds < 172_800:
        return _("%(hours)s h ago", hours=int(seconds // 3600))
    return _("%(days)s days ago", days=int(seconds // 86_400))
