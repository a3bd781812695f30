from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.word_vectors import WordVectors

LABELS = LabelSet(("PER", "LOC"))
TEXTS = ["서울에 갔다", "서울은 크다", "김민수는 부산에", "A"]
GOLD = [[Entity(0, 2, "LOC")], [Entity(0, 2, "LOC")], [Entity(0, 3, "PER")], []]
SIZES = {"symbol_size": 4, "evidence_size": 6, "lexicon_size": 5, "hidden": 3}


def encoder(**changed: Any) -> BuiltinEncoder:
    torch.manual_seed(0)
    known = Knowledge.of(TEXTS, GOLD, LABELS, least_symbols=1, least_strings=1, **changed)
    return BuiltinEncoder.of(known, layers=2, **SIZES).eval()


def states(model: BuiltinEncoder, texts: list[str]) -> list[torch.Tensor]:
    batch = model.reader().read(texts)
    with torch.no_grad():
        found = model(batch)
    return [row[: len(text)] for row, text in zip(found, texts, strict=True)]


def test_a_text_is_read_alike_alone_and_padded_among_others() -> None:
    model = encoder()
    together = states(model, TEXTS)
    for text, found in zip(TEXTS, together, strict=True):
        assert found.shape == (len(text), model.size)
        assert torch.allclose(states(model, [text])[0], found, atol=1e-6)


def test_own_gold_is_left_out_where_it_is_given() -> None:
    reader = encoder().reader()
    seen, left_out = reader.read(TEXTS[:1]), reader.read(TEXTS[:1], GOLD[:1])
    assert torch.equal(seen.symbols, left_out.symbols)
    assert not torch.equal(seen.evidence, left_out.evidence)
    assert seen.lexicon is not None
    assert left_out.lexicon is not None
    assert (left_out.lexicon.sum() < seen.lexicon.sum()).item()
    assert left_out.lexicon.any()  # 서울 is known from another text


WORDS = WordVectors.of(["부산", "서울"], np.eye(2, dtype=np.float32))
CITY, HARBOUR = ("부산", "도시"), ("부산", "항구")


@pytest.mark.parametrize(
    "knowledge",
    [
        {},
        {"lexicon": False},
        {"lexicon": False, "gazetteer": [CITY]},
        {"gazetteer": [CITY, HARBOUR]},
        {"words": WORDS},
        {"lexicon": False, "words": WORDS},
    ],
)
def test_it_is_the_same_again_from_its_record_and_weights(
    knowledge: dict[str, Any], tmp_path: Path
) -> None:
    model = encoder(**knowledge)
    again = BuiltinEncoder.from_dict(model.to_dict(), tmp_path).eval()
    again.load_state_dict(model.state_dict())
    expected = states(model, TEXTS)
    assert all(torch.equal(*pair) for pair in zip(states(again, TEXTS), expected, strict=True))
    columns = model.label_columns()
    weights = dict(model.named_parameters())
    for name, meanings in columns.items():
        assert weights[name].size(1) == len(meanings) == len(set(meanings))


def test_a_gazetteer_is_seen() -> None:
    known, unknown = encoder(gazetteer=[("대전", "도시")]), encoder(gazetteer=[("광주", "도시")])
    unknown.load_state_dict(
        known.state_dict() | {"lexicon.surfaces": unknown.state_dict()["lexicon.surfaces"]}
    )
    assert not torch.equal(states(known, ["대전"])[0], states(unknown, ["대전"])[0])


def test_word_vectors_are_seen() -> None:
    model = encoder(words=WORDS)
    before = states(model, ["부산"])[0]
    model.get_buffer("lexicon.vectors").neg_()
    assert not torch.equal(states(model, ["부산"])[0], before)


def test_without_dropout_training_reads_as_serving_does() -> None:
    known = Knowledge.of(TEXTS, GOLD, LABELS)
    off = {"dropout": 0.0, "symbol_dropout": 0.0, "evidence_dropout": 0.0, "lexicon_dropout": 0.0}
    model = BuiltinEncoder.of(known, **SIZES, **off)
    batch = model.reader().read(TEXTS)
    assert torch.equal(model.train()(batch), model.eval()(batch))
