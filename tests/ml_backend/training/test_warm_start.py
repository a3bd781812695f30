"""What the champion said of a text, the warm-started model says before its first step."""

import json
from pathlib import Path

import pytest
import torch

from backend.sample.generate import generate
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger import checkpoint
from ml_backend.tagger.model import HEADS, Model
from ml_backend.tagger.predict import Tagger
from ml_backend.training.dataset import Example, TrainingData
from ml_backend.training.network import new_model
from ml_backend.training.warm_start import load_champion, warm_start
from tests.ml_backend.tagger.small_tokenizers import SENTENCES, encoder_folder
from tests.ml_backend.training import vector_files

OLD = LabelSet(("ORG", "PER", "LOC"))
NEW = LabelSet(("DAT", "LOC", "PER", "TIM", "ORG"))
TEXTS = [document.text for document in generate(30, seed=5)]
OTHERS = [document.text for document in generate(60, seed=6, part="test")]


def untrained(
    labels: LabelSet, texts: list[str], champion: Model | None = None, **options
) -> Model:
    """Random weights, widely spread, so that every label and many entities are predicted."""
    examples = [Example(text, [Entity(0, 3, labels.labels[0])]) for text in texts]
    data = TrainingData(labels, examples, [GoldDocument("d", "d", "가", [])], len(texts))
    small = {"symbol_size": 6, "evidence_size": 6, "hidden": 5, "head_hidden": 6, "max_width": 4}
    config = TrainingConfig.from_dict({**small, **options})
    model = new_model(data, config, champion)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.normal_(std=1.0 if name.startswith("encoder") else 1.5)
            if name.endswith("string.weight"):
                parameter[0] = 0.0  # of what is unknown: by definition nothing
    return model.eval()


def read(model: Model, texts: list[str]) -> list[list[tuple[int, int, str]]]:
    return [[e.key for e in found.entities] for found in Tagger(model).predict(texts)]


@pytest.mark.parametrize("head", sorted(HEADS))
def test_the_champions_reading_is_kept_under_a_larger_and_reordered_label_set(head: str) -> None:
    torch.manual_seed(1)
    champion = untrained(OLD, TEXTS, head=head)
    model = untrained(NEW, OTHERS, champion, head=head)
    expected = read(champion, TEXTS + OTHERS)
    assert len({label for found in expected for *_, label in found}) > 1
    assert read(model, TEXTS + OTHERS) != expected
    said = warm_start(model, champion)
    assert said == "the champion's encoder and head, new labels: DAT, TIM"
    assert read(model, TEXTS + OTHERS) == expected


@pytest.mark.parametrize("head", sorted(HEADS))
def test_with_the_same_labels_everything_is_kept_to_the_bit(head: str) -> None:
    torch.manual_seed(1)
    champion = untrained(OLD, TEXTS, head=head)
    model = untrained(OLD, TEXTS, champion, head=head)
    assert warm_start(model, champion) == "the champion's encoder and head"
    before, after = champion.state_dict(), model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert read(model, TEXTS) == read(champion, TEXTS)


@pytest.mark.parametrize("head", sorted(HEADS))
def test_a_label_that_is_gone_takes_only_its_own_entities(head: str) -> None:
    torch.manual_seed(2)
    champion = untrained(NEW, TEXTS, head=head)
    model = untrained(OLD, TEXTS, champion, head=head)
    assert warm_start(model, champion) == "the champion's encoder and head"
    assert {label for found in read(model, TEXTS) for *_, label in found} <= set(OLD)
    kept = [
        (found, now)
        for found, now in zip(read(champion, TEXTS), read(model, TEXTS), strict=True)
        if {label for *_, label in found} <= set(OLD)
    ]
    assert all(found == now for found, now in kept)


def test_a_new_label_is_learned_from_where_it_starts() -> None:
    torch.manual_seed(1)
    champion = untrained(OLD, TEXTS)
    model = untrained(NEW, TEXTS, champion)
    warm_start(model, champion)
    rows = dict(zip(model.head.scheme.tags, model.head.emit.bias.tolist(), strict=True))
    before = dict(zip(champion.head.scheme.tags, champion.head.emit.bias.tolist(), strict=True))
    mean = sum(before["B", label] for label in OLD) / 3
    assert rows["B", "DAT"] == pytest.approx(mean - 5.0, abs=1e-5)
    assert rows["B", "PER"] == before["B", "PER"]
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"hidden": 7}, "nothing of the champion: its encoder has another size: lstm"),
        ({"layers": 2}, "nothing of the champion: its encoder has other parts"),
        (
            {"head": "span"},
            "the champion's encoder, with a new head: its head is crf, this one span",
        ),
        ({"scheme": "BIO"}, "the champion's encoder, with a new head: it tags by another scheme"),
    ],
)
def test_what_does_not_fit_stays_new_and_is_named(
    options: dict[str, object], sentence: str
) -> None:
    champion = untrained(OLD, TEXTS)
    model = untrained(NEW, TEXTS, champion, **options)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert warm_start(model, champion).startswith(sentence)
    kept = {
        name.split(".")[0]
        for name, now in model.state_dict().items()
        if not now.equal(before[name])
    }
    assert kept == (set() if sentence.startswith("nothing") else {"encoder"})


def test_word_vectors_are_gone_on_with_but_not_with_others(tmp_path: Path) -> None:
    files = {}
    for name, number in (("same", 1.0), ("other", 2.0)):
        table = {"서울": [number, 2.0], "부산": [0.5, -1.0]}
        files[name] = str(vector_files.text(tmp_path / f"{name}.vec", table))
    champion = untrained(OLD, TEXTS, vectors=files["same"])
    model = untrained(NEW, TEXTS, champion, vectors=files["same"])
    assert warm_start(model, champion).startswith("the champion's encoder and head")
    other = untrained(NEW, TEXTS, champion, vectors=files["other"])
    assert warm_start(other, champion) == (
        "nothing of the champion: its encoder reads other word vectors"
    )


def test_wider_spans_than_the_champion_knew_are_scored_as_its_widest() -> None:
    champion = untrained(OLD, TEXTS, head="span")
    model = untrained(OLD, TEXTS, champion, head="span", max_width=6)
    assert warm_start(model, champion) == "the champion's encoder and head"
    old, new = champion.head.width.weight, model.head.width.weight
    assert torch.equal(new[:4], old)
    assert torch.equal(new[4], old[3])
    assert torch.equal(new[5], old[3])


def test_a_pretrained_encoder_is_taken_but_not_for_another_tokenizer(tmp_path: Path) -> None:
    torch.manual_seed(1)
    folder = encoder_folder(tmp_path / "one", "bert")
    champion = untrained(OLD, SENTENCES * 10, encoder=folder)
    model = untrained(NEW, SENTENCES * 10, champion, encoder=folder)
    assert warm_start(model, champion) == "the champion's encoder and head, new labels: DAT, TIM"
    assert read(model, SENTENCES) == read(champion, SENTENCES)
    # as large, but its pieces have other numbers
    path = Path(folder) / "tokenizer.json"
    record = json.loads(path.read_text("utf-8"))
    pieces = record["model"]["vocab"]
    record["model"]["vocab"] = {
        piece: number if piece.startswith("[") else len(pieces) + 4 - number
        for piece, number in pieces.items()
    }
    path.write_text(json.dumps(record), "utf-8")
    other = untrained(NEW, SENTENCES * 10, champion, encoder=folder)
    said = "nothing of the champion: its encoder has another tokenizer"
    assert warm_start(other, champion) == said


@pytest.mark.parametrize("head", sorted(HEADS))
def test_a_label_that_was_renamed_goes_on_under_its_new_name(head: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    before = untrained(OLD, TEXTS, head=head)
    checkpoint.save(before, tmp_path, training={})
    champion = load_champion(tmp_path, {"PER": "인물", "LOC": "ORG", "GONE": "DAT"})
    assert list(champion.labels) == ["ORG", "인물", "LOC"]  # ORG has its name: LOC is gone
    model = untrained(LabelSet(("DAT", "인물", "ORG", "LOC")), OTHERS, champion, head=head)
    assert warm_start(model, champion).endswith("new labels: DAT")
    named = {"PER": "인물"}
    assert read(model, TEXTS) == [
        [(start, end, named.get(label, label)) for start, end, label in found]
        for found in read(before, TEXTS)
    ]
