"""What the audit log calls an action, as people read it: the noun before the dot, and the whole."""

import re

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from backend.admin.words.words import word

KINDS: dict[str, LazyString] = {
    "account": _l("Accounts"),
    "autolabel": _l("Autolabels"),
    "conflict": _l("Copies labelled differently"),
    "documents": _l("Documents"),
    "job": _l("Jobs"),
    "labels": _l("Labels"),
    "member": _l("Members"),
    "project": _l("Projects"),
    "release": _l("Releases"),
    "replay": _l("Replays"),
    "review": _l("Errors"),
    "run": _l("Training runs"),
    "settings": _l("Settings"),
    "sharing": _l("Shared documents"),
    "token": _l("API tokens"),
    "version": _l("Versions"),
}
ACTIONS: dict[str, LazyString] = {
    "account.add": _l("account added"),
    "account.password": _l("password changed"),
    "account.role": _l("role given"),
    "autolabel.accept": _l("autolabels accepted"),
    "autolabel.reject": _l("autolabels rejected"),
    "autolabel.run": _l("autolabel run paused, resumed or cancelled"),
    "autolabel.send": _l("autolabels sent to Label Studio"),
    "autolabel.start": _l("autolabel run begun"),
    "autolabel.undo": _l("decision about autolabels taken back"),
    "conflict.decide": _l("copies decided"),
    "conflict.withdraw": _l("decision about copies taken back"),
    "documents.import": _l("documents imported"),
    "job.cancel": _l("job taken out of its queue"),
    "job.retry": _l("job tried again"),
    "labels.add": _l("labels added"),
    "labels.map": _l("labels renamed or merged"),
    "member.add": _l("member added"),
    "member.remove": _l("member removed"),
    "project.adopt": _l("project adopted"),
    "project.connect": _l("project connected"),
    "project.create": _l("project made"),
    "release.cancel": _l("job about releases cancelled"),
    "release.make": _l("release asked for"),
    "replay.begin": _l("replay begun"),
    "replay.cancel": _l("replay cancelled"),
    "replay.go_on": _l("replay gone on with"),
    "review.cancel": _l("look for doubts cancelled"),
    "review.decide": _l("doubt or difference decided"),
    "review.look": _l("look for doubts begun"),
    "review.undo": _l("decision about a doubt or difference taken back"),
    "run.begin": _l("training run begun"),
    "run.cancel": _l("training run cancelled"),
    "run.decide": _l("challenger decided"),
    "run.retry": _l("training run tried again"),
    "settings.change": _l("settings changed"),
    "sharing.settle": _l("shared documents settled"),
    "sharing.wait": _l("shared documents asked for again"),
    "token.make": _l("token made"),
    "token.revoke": _l("token revoked"),
    "version.publish": _l("version published"),
}


def action(code: str) -> str:
    """An action in the reader's language; one that nobody knows as it is."""
    return str(ACTIONS.get(code, code))


def subject(kept: str) -> str:
    """What it was done to, such as `run 12`, in the reader's language; names stay as they are."""
    several = _SEVERAL.fullmatch(kept)
    if several:
        return _("%(count)s documents from %(first)s on", count=several[1], first=several[2])
    noun, _space, name = kept.rpartition(" ")
    return f"{word(noun)} {name}" if name.isdecimal() or noun in ("token", "document") else kept


_SEVERAL = re.compile(r"(\d+) documents from (\d+) on")
