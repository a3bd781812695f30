"""The data card: what a reader of a release wants to know."""

from collections.abc import Iterable, Mapping
from typing import Any

from backend.workflow.releases.content import SPLITS
from backend.workflow.releases.manifest import Manifest

Card = dict[str, Any]


def card_of(manifest: Manifest) -> Card:
    """The card of a release, from its manifest."""
    splits: Mapping[str, Any] = manifest["splits"]
    counts = manifest["counts"]
    totals = {
        label: sum(splits[split]["labels"].get(label, 0) for split in SPLITS)
        for label in manifest["labels"]
    }
    entities = sum(totals.values())
    documents = sum(splits[split]["documents"] for split in SPLITS)
    return {
        "what": f"Named-entity gold of the project {manifest['project']}, "
        f"release {manifest['number']}",
        "digest": manifest["digest"],
        "made_at": manifest["made_at"],
        "made_by": manifest["made_by"],
        "note": manifest["note"],
        "licence": manifest["licence"],
        "documents": documents,
        "entities": entities,
        "splits": {
            split: {
                key: splits[split][key] for key in ("documents", "entities", "without_entities")
            }
            for split in SPLITS
        },
        "labels": {
            label: {
                "entities": total,
                "share": round(total / entities, 4) if entities else 0.0,
                "documents": sum(splits[s]["label_documents"].get(label, 0) for s in SPLITS),
                "splits": {split: splits[split]["labels"].get(label, 0) for split in SPLITS},
                "left_out_of_training": label in manifest["left_out"],
            }
            for label, total in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
        },
        "mapping": manifest["mapping"],
        "filters": manifest["filters"],
        "sources": counts["sources"],
        "annotators": counts["annotators"],
        "deciders": counts["deciders"],
        "rules": counts["rules"],
        "files": counts["files"],
        "agreement": manifest["agreement"],
        "people_a_document": counts["people_a_document"],
        "duplicates": {"copies": counts["copies"], "near_copies": counts["near_copies"]},
        "conflicts_left_open": manifest["conflicts"],
        "known_gaps": list(_gaps(manifest, totals)),
        "verify": [
            f"goldloop release verify {manifest['project']} {manifest['number']}",
            "goldloop release verify --folder FOLDER",
            "sha256sum FOLDER/*.jsonl, against `files` in manifest.json",
        ],
    }


def _gaps(manifest: Manifest, totals: Mapping[str, int]) -> Iterable[str]:
    counts = manifest["counts"]
    empty = [split for split in SPLITS if not manifest["splits"][split]["documents"]]
    if empty:
        yield f"no document in: {', '.join(empty)}"
    nowhere = [label for label, total in totals.items() if not total]
    if nowhere:
        yield f"labels without any entity: {', '.join(nowhere)}"
    for split, labels in manifest["lacking"].items():
        its = [label for label in labels if totals[label]]
        if its and split not in empty:
            yield f"labels that {split} lacks: {', '.join(its)}"
    if manifest["left_out"]:
        yield f"labels that training leaves out for now: {', '.join(manifest['left_out'])}"
    for label, number in counts["not_annotated"].items():
        yield f"{label} was not annotated in {number} documents: its absence there says nothing"
    for label, number in counts["entities_left_out"].items():
        yield f"{number} entities of {label} in the project's gold are not in the release"
    left = manifest["gold_documents"] - sum(manifest["splits"][s]["documents"] for s in SPLITS)
    if left:
        yield f"{left} documents of the project's gold are left out by the filters"
    for kind, number in manifest["conflicts"].items():
        if number:
            yield (
                f"{number} groups of {kind} copies are labelled differently, and nobody has "
                "decided yet: see conflicts.jsonl"
            )
    if not manifest["licence"]:
        yield "nothing is said of the texts' licence"
