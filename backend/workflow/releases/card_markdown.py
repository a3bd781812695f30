"""The data card as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from backend.workflow.releases.card import Card
from backend.workflow.releases.content import SPLITS

_MEANING = {
    "person": "people annotated it",
    "imported": "came with a file",
    "copied": "the gold of a document that this is an exact copy of",
    "decision": "a curator decided between different annotations",
    "rule": "a model's, accepted by the promise that a curator signed",
}


def markdown(card: Card) -> str:
    """The card for people to read."""
    blocks = [
        f"# {card['what']}",
        "\n".join(
            [
                f"{card['documents']} documents, {card['entities']} entities, "
                f"{len(card['labels'])} labels.",
                f"Made {card['made_at']} by {card['made_by']}.",
                f"The gold's name is `{card['digest']}`: the same gold has the same name anywhere.",
            ]
        ),
        card["note"],
        f"**Licence**: {card['licence'] or 'not stated'}",
        "## Splits\n\nA group of copies, exact or near, is in one split and nowhere else.",
        _table(
            ("split", "documents", "without entities", "entities"),
            (
                (split, its["documents"], its["without_entities"], its["entities"])
                for split, its in card["splits"].items()
            ),
        ),
        "## Labels",
        _table(
            ("label", "entities", "share", "documents", *SPLITS, ""),
            (
                (
                    label,
                    its["entities"],
                    f"{its['share']:.1%}",
                    its["documents"],
                    *(its["splits"][split] for split in SPLITS),
                    "left out of training" if its["left_out_of_training"] else "",
                )
                for label, its in card["labels"].items()
            ),
        ),
        *_section("Renamed and merged", _pairs(card["mapping"], "label in gold", "label here")),
        *_section("Filters", _pairs(card["filters"], "filter", "value")),
        "## Where the gold comes from",
        _counted("source", card["sources"], _MEANING),
        *(
            _counted(name, card[key])
            for name, key in (
                ("annotator", "annotators"),
                ("who decided", "deciders"),
                ("rule", "rules"),
                ("file", "files"),
            )
            if card[key]
        ),
        "## Agreement",
        _agreement(card["agreement"]),
        "## Duplicates",
        f"{card['duplicates']['copies']} documents are exact copies of another, "
        f"{card['duplicates']['near_copies']} have near copies; "
        f"{card['conflicts_left_open']['exact']} groups of exact copies and "
        f"{card['conflicts_left_open']['near']} of near ones are labelled differently, and nobody "
        "has decided yet (conflicts.jsonl).",
        "## Known gaps",
        "\n".join(f"- {gap}" for gap in card["known_gaps"]) or "None that is known.",
        "## How to verify",
        "\n".join(f"    {line}" for line in card["verify"]),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _agreement(agreement: Mapping[str, Any]) -> str:
    if not agreement["documents"]:
        return "No document was annotated by more than one person."
    return (
        f"{agreement['documents']} documents were annotated by several people: all said the same "
        f"in {agreement['exact']:.1%} of them, and the mean strict F1 between two of them is "
        f"{agreement['f1']:.3f}."
    )


def _section(title: str, table: str) -> tuple[str, ...]:
    return (f"## {title}", table) if table else ()


def _pairs(values: Mapping[str, Any], key: str, value: str) -> str:
    return _table((key, value), values.items()) if values else ""


def _counted(
    name: str, counts: Mapping[str, Mapping[str, int]], meaning: Mapping[str, str] | None = None
) -> str:
    head = (name, "documents", "entities", *(("",) if meaning else ()))
    rows = (
        (key, its["documents"], its["entities"], *((meaning.get(key, ""),) if meaning else ()))
        for key, its in counts.items()
    )
    return _table(head, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [_line(head), _line(["---"] * len(head)), *map(_line, rows)]
    return "\n".join(lines)


def _line(cells: Sequence[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
