"""The settings of a project as its form calls them: title, sentence and choices in words."""

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class Words:
    """How the form calls a setting, and what it means."""

    title: LazyString
    meaning: LazyString


SETTINGS: dict[str, Words] = {
    "retrain_threshold": Words(
        _l("Retrain threshold"), _l("Changed gold documents that start a run.")
    ),
    "min_support": Words(
        _l("Minimum support"),
        _l(
            "Gold entities below which a label is left out of training; 0 leaves none out, empty "
            "means 1,500 once the project has 20,000 gold entities."
        ),
    ),
    "pseudo_confidence": Words(
        _l("Pseudo-labels from"),
        _l(
            "Confidence from which documents that the champion labelled, and nobody has looked at, "
            "teach the next version with little weight; 1 takes none."
        ),
    ),
    "gate_margin": Words(
        _l("Gate margin"), _l("How much worse in F1 a challenger may be, at most.")
    ),
    "gate_class_margin": Words(_l("Gate class margin"), _l("How far one class's F1 may fall.")),
    "gate_class_support": Words(
        _l("Gate class support"), _l("Gate entities from which a class's own margin counts.")
    ),
    "gate_min_documents": Words(
        _l("Fewest gate documents"), _l("Gate documents below which it is unsure.")
    ),
    "gate_when_little": Words(
        _l("When the gate is unsure"), _l("Ask a curator, or promote the challenger.")
    ),
    "open_tasks": Words(_l("Open tasks"), _l("Tasks kept open in Label Studio.")),
    "random_share": Words(
        _l("Random share"),
        _l(
            "Share of what people see that is chosen at random: it judges the models. The rest is "
            "chosen by the strategies of the page Selection."
        ),
    ),
    "label_target": Words(
        _l("Label target"),
        _l("Gold entities that each label should have: the strategy Label balance works for it."),
    ),
    "shared_share": Words(
        _l("Shared share"),
        _l(
            "Share of what people see that several of them annotate: it tells how far they agree. "
            "Such a document has gold once all of them have answered."
        ),
    ),
    "annotators_each": Words(
        _l("Annotators each"),
        _l("People who annotate each shared document: no more than there are."),
    ),
    "blind_share": Words(
        _l("Blind share"),
        _l(
            "Share of what people see that is shown without pre-labels: it tells what pre-labels "
            "do to them."
        ),
    ),
    "casefold": Words(
        _l("Casefold"), _l("Texts that differ in upper and lower case alone are copies too.")
    ),
    "near_threshold": Words(
        _l("Near threshold"), _l("Similarity from which two texts are near copies.")
    ),
    "autolabel_p": Words(
        _l("Autolabel promise"),
        _l("Least probability that a document accepted by rule is exactly right."),
    ),
    "autolabel_delta": Words(
        _l("Autolabel risk"), _l("Chance at most that the autolabel promise is not kept.")
    ),
    "audit_share": Words(
        _l("Audit share"), _l("Share of what the rule accepted that people label blind.")
    ),
    "encoder": Words(
        _l("Encoder"),
        _l("Reads the text: builtin, or the name or folder of a pretrained model."),
    ),
    "head": Words(_l("Head"), _l("Decides from what the encoder has read.")),
    "start": Words(_l("Begin from"), _l("New weights, or those of what is served.")),
    "epochs": Words(_l("Epochs"), _l("Passes over the gold; empty leaves it to the trainer.")),
}

CHOICES: dict[str, LazyString] = {
    "ask": _l("ask"),
    "promote": _l("promote"),
    "no": _l("no"),
    "yes": _l("yes"),
}
