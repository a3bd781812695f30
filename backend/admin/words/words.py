"""States and names that the database keeps in English, as people read them on every page."""

import re

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

WORDS: dict[str, LazyString] = {
    # roles
    "annotator": _l("annotator"),
    "curator": _l("curator"),
    "administrator": _l("administrator"),
    # runs, publications, autolabel runs
    "queued": _l("queued"),
    "training": _l("training"),
    "judging": _l("judging"),
    "waiting": _l("waiting"),
    "promoted": _l("promoted"),
    "refused": _l("refused"),
    "cancelled": _l("cancelled"),
    "failed": _l("failed"),
    "done": _l("done"),
    "predicting": _l("predicting"),
    "importing": _l("importing"),
    "selecting": _l("selecting"),
    "serving": _l("serving"),
    "running": _l("running"),
    "paused": _l("paused"),
    # versions
    "candidate": _l("candidate"),
    "champion": _l("champion"),
    "retired": _l("retired"),
    # who asked
    "threshold": _l("the threshold"),
    "label studio": _l("Label Studio"),
    "people": _l("people"),
    "command line": _l("command line"),
    "the demo": _l("the demo"),
    # what the log of changes names
    "account": _l("account"),
    "added": _l("added"),
    "by": _l("by"),
    "changes": _l("changes"),
    "digest": _l("digest"),
    "documents": _l("documents"),
    "expires_at": _l("expires"),
    "filters": _l("filters"),
    "labels": _l("labels"),
    "label_studio_project": _l("Label Studio project"),
    "licence": _l("licence"),
    "ml_backend": _l("ML backend"),
    "note": _l("note"),
    "number": _l("number"),
    "role": _l("role"),
    "scopes": _l("scopes"),
    "seeds": _l("seeds"),
    "strategies": _l("strategies"),
    "webhook": _l("webhook"),
    "with_gold": _l("with gold"),
    # what a training run is at, and its figures
    "starting": _l("starting"),
    "reading": _l("reading"),
    "scoring on dev": _l("scoring on dev"),
    "reporting": _l("reporting"),
    "epoch": _l("epoch"),
    "step": _l("step"),
    "loss": _l("loss"),
    "dev F1": _l("dev F1"),
    # what a reconciliation compared
    "tasks": _l("tasks"),
    "annotations": _l("annotations"),
    "predictions": _l("predictions"),
    # who vouches for gold
    "person": _l("person"),
    "imported": _l("imported"),
    "copied": _l("copied"),
    "decision": _l("decision"),
    "rule": _l("rule"),
    "annotation": _l("annotation"),
    # what there may be none of
    "project": _l("project"),
    "version": _l("version"),
    "version in the model store": _l("version in the model store"),
    "run": _l("run"),
    "autolabel run": _l("autolabel run"),
    "publication": _l("publication"),
    "document": _l("document"),
    "item in the autolabel queue for document": _l("item in the autolabel queue for document"),
    "difference in document": _l("difference in document"),
    "label": _l("label"),
    "label mapping": _l("label mapping"),
    "mapping": _l("label mapping"),
    "look": _l("look"),
    "release": _l("release"),
    "file in the release": _l("file in the release"),
    "job": _l("job"),
    "job about releases": _l("job about releases"),
    "look for doubts": _l("look for doubts"),
    "doubt": _l("doubt"),
    "replay": _l("replay"),
    "shared document": _l("shared document"),
    "split": _l("split"),
    "list": _l("list"),
    "action of the autolabel queue": _l("action of the autolabel queue"),
    "member": _l("member"),
    "token": _l("token"),
    "change of settings": _l("change of settings"),
    # items of the autolabel queue
    "pending": _l("pending"),
    "by_rule": _l("accepted by rule"),
    "by_person": _l("accepted by a person"),
    "accepted": _l("accepted"),
    "rejected": _l("rejected"),
    "sent": _l("sent to Label Studio"),
    "recalled": _l("recalled"),
    # what a score was measured on
    "gate gold": _l("gate gold"),
    "dev gold": _l("dev gold"),
}

_RUN = re.compile(r"run (\d+)")  # who changed an item of the autolabel queue


def word(value: str) -> str:
    """A kept word in the reader's language; others, such as addresses, as they are."""
    run = _RUN.fullmatch(value)
    if run:
        return _("run %(number)s", number=run[1])
    return str(WORDS.get(value, value))
