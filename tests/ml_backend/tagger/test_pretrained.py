"""Tiny encoders of many kinds from folders: what they read, learn, save and refuse."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers.models.bert.tokenization_bert_legacy import BertTokenizerLegacy

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger import checkpoint
from ml_backend.tagger.encoders import hub
from ml_backend.tagger.encoders.hub import PretrainedError
from ml_backend.tagger.encoders.piece_reader import Frame
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder, Unit
from ml_backend.tagger.forms import form_for
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.lexicon import Lexicon
from ml_backend.tagger.model import Model
from ml_backend.tagger.positions import Target
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.tagger.word_vectors import WordVectors
from tests.ml_backend.tagger.small_tokenizers import ARCHITECTURES, SENTENCES, encoder_folder

LABELS = LabelSet(("PER", "ORG"))
TEXTS = [*SENTENCES, " ", "가" * 200, "\ud800", "a", "museum " * 40]


@pytest.fixture(autouse=True, scope="module")
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An encoder of each kind that reads at most 64 tokens at once."""
    root = tmp_path_factory.mktemp("encoders")
    torch.manual_seed(0)
    return {kind: encoder_folder(root / kind, kind) for kind in ARCHITECTURES}


def loaded(
    folder: str, unit: Unit = "character", lexicon: Lexicon | None = None
) -> PretrainedEncoder:
    vocabulary = Vocabulary.of(SENTENCES, least=1)
    return PretrainedEncoder.load(folder, LABELS, vocabulary, lexicon, unit=unit).eval()


@pytest.mark.parametrize("unit", ["character", "token"])
@pytest.mark.parametrize("kind", ARCHITECTURES)
@torch.no_grad()
def test_a_text_is_read_alike_alone_and_in_a_batch(
    kind: str, unit: Unit, folders: dict[str, str]
) -> None:
    encoder = loaded(folders[kind], unit)
    reader = encoder.reader()
    batch = reader.read(TEXTS)
    states = encoder(batch)
    assert states.shape == (len(TEXTS), int(batch.lengths.max()), encoder.size)
    if unit == "character":
        assert batch.lengths.tolist() == [len(text) for text in TEXTS]
        assert batch.places is None
    for number, text in enumerate(TEXTS):
        alone = encoder(reader.read([text]))[0]
        assert torch.allclose(alone, states[number, : len(alone)], atol=1e-5)
        if batch.places is not None:
            places = batch.places[number]
            assert len(places) == batch.lengths[number]
            assert all(a[1] <= b[0] for a, b in itertools.pairwise(places))
            assert places[0][0] >= 0
            assert places[-1][1] <= len(text)


def test_characters_of_one_piece_differ(folders: dict[str, str]) -> None:
    encoder = loaded(folders["bert"])
    batch = encoder.reader().read(["쀍쀍쀍쀍"])
    assert batch.first[0].unique().numel() == 1
    states = encoder(batch)[0]
    assert torch.cdist(states, states).fill_diagonal_(1).min() > 1e-4


@torch.no_grad()
def test_no_part_of_a_long_text_goes_unread(folders: dict[str, str]) -> None:
    encoder = loaded(folders["bert"])
    reader = encoder.reader()
    text = ("롯데는 museum 부산 " * 40)[:500]
    before = encoder(reader.read([text]))[0]
    for place in (1, 250, 498):
        changed = text[:place] + ("나" if text[place] != "나" else "다") + text[place + 1 :]
        after = encoder(reader.read([changed]))[0]
        assert not torch.allclose(before[place], after[place], atol=1e-4)


@pytest.mark.parametrize("pieces", [0, 1, 61, 62, 63, 200, 511])
def test_rows_own_each_piece_once_well_inside(pieces: int) -> None:
    frame = Frame((2,), (3,), 0, 1, 100, 64)
    rows = frame.rows(pieces)
    assert [row.own for row in rows] == [0, *(row.own_end for row in rows[:-1])]
    assert rows[-1].own_end == pieces
    for row in rows:
        assert row.end - row.start <= 62
        assert row.start <= row.own <= row.own_end <= row.end
        assert row.start == 0 or row.own - row.start >= 7
        assert row.end == pieces or row.end - row.own_end >= 7


GOLD = [
    ("안정환을 만났다.", [Entity(0, 3, "PER")]),
    ("롯데는 부산 사직구장에서 이겼다.", [Entity(0, 2, "ORG")]),
    ("The museum in Ålesund", [Entity(4, 10, "ORG")]),
    ("나쓰메 소세키의 마음", [Entity(0, 7, "PER")]),
]


def trained(model: Model, steps: int = 40) -> None:
    """Overfit the gold, entities that end inside pieces among it."""
    reader = model.encoder.reader()
    texts, gold = [text for text, _ in GOLD], [entities for _, entities in GOLD]
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    model.train()
    for _ in range(steps):
        batch = reader.read(texts, gold)
        loss = model(batch, model.targets([Target(one) for one in gold], batch)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()


@pytest.fixture(scope="module")
def versions(folders: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Versions that have learned the gold by heart, one of them of 8 bits."""
    texts, gold = [text for text, _ in GOLD], [entities for _, entities in GOLD]
    root = tmp_path_factory.mktemp("versions")
    for kind in ("bert", "roberta", "xlm-roberta"):
        torch.manual_seed(0)
        encoder = loaded(folders[kind], lexicon=Lexicon.of(texts, gold, LABELS))
        model = Model(encoder, CrfHead(LABELS, encoder.size))
        trained(model)
        checkpoint.save(model, root / kind, training={})
        if kind == "roberta":
            form = form_for(model, "int8", texts)
            checkpoint.save(model, root / "roberta-int8", training={}, form=form)
            assert checkpoint.form(root / "roberta-int8") == form
    return {folder.name: folder for folder in root.iterdir()}


@pytest.mark.parametrize("kind", ["bert", "roberta", "roberta-int8", "xlm-roberta"])
def test_every_border_is_learned(kind: str, versions: dict[str, Path]) -> None:
    found = Tagger.load(versions[kind]).predict([text for text, _ in GOLD])
    assert [one.entities for one in found] == [entities for _, entities in GOLD]


def test_a_fresh_process_without_a_hub_predicts_the_same_to_the_bit(
    versions: dict[str, Path],
) -> None:
    kinds = [str(versions[kind]) for kind in ("roberta", "roberta-int8")]
    script = (
        "import json, sys; from pathlib import Path; from ml_backend.tagger.predict import Tagger\n"
        "from ml_backend.tagger.encoders import hub\n"
        "texts = json.loads(sys.stdin.read())\n"
        "for folder in sys.argv[1:]:\n"
        "    for one in Tagger.load(Path(folder)).predict(texts):\n"
        "        entities = [(e.key, e.probability.hex()) for e in one.entities]\n"
        "        print(entities, one.confidence.hex())\n"
        "try: hub.load('klue/bert-base')\n"
        "except hub.PretrainedError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *kinds],
        input=json.dumps(TEXTS),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        env={"PATH": "", "PYTHONPATH": ".", "HF_HUB_OFFLINE": "1", "HF_HOME": "/nonexistent"},
    )
    *predicted, refused = done.stdout.splitlines()
    assert predicted == [
        f"{[(e.key, e.probability.hex()) for e in one.entities]} {one.confidence.hex()}"
        for folder in kinds
        for one in Tagger.load(Path(folder)).predict(TEXTS)
    ]
    assert "the hub cannot be reached; name its folder instead" in refused


def test_a_version_does_not_say_where_it_was_made(
    versions: dict[str, Path], folders: dict[str, str]
) -> None:
    for kind, folder in versions.items():
        for file in folder.rglob("*.json"):
            assert folders[kind.removesuffix("-int8")] not in file.read_text("utf-8")
            assert str(folder) not in file.read_text("utf-8")


def test_the_token_unit_learns_what_it_can_and_never_o(folders: dict[str, str]) -> None:
    torch.manual_seed(0)
    encoder = loaded(folders["bert"], "token")
    model = Model(encoder, CrfHead(LABELS, encoder.size))
    trained(model)
    for (text, gold), found in zip(GOLD, Tagger(model).predict([t for t, _ in GOLD]), strict=True):
        (places,) = encoder.reader().read([text]).places or ()
        borders = {0, *(end for _, end in places)} | {start for start, _ in places}
        for entity in gold:
            if {entity.start, entity.end} <= borders:
                assert entity in found.entities, text


def test_own_gold_is_left_out_of_the_lexicon(folders: dict[str, str]) -> None:
    texts, gold = [text for text, _ in GOLD], [entities for _, entities in GOLD]
    for unit in ("character", "token"):
        reader = loaded(folders["bert"], unit, Lexicon.of(texts, gold, LABELS)).reader()
        with_own, without = reader.read(texts), reader.read(texts, gold)
        assert with_own.lexicon is not None
        assert without.lexicon is not None
        assert with_own.lexicon.abs().sum() > 0
        assert without.lexicon.abs().sum() == 0  # each surface is in one text alone


@pytest.mark.parametrize("unit", ["character", "token"])
@torch.no_grad()
def test_word_vectors_are_seen(unit: Unit, folders: dict[str, str]) -> None:
    texts = [text for text, _ in GOLD]
    word = texts[0].split()[0]
    words = WordVectors.of([word], np.ones((1, 3), np.float32))
    lexicon = Lexicon.made(texts, [()] * len(texts), LABELS, own=False, words=words)
    encoder = loaded(folders["bert"], unit, lexicon)
    assert encoder.lexicon is not None
    before = encoder(encoder.reader().read([word]))
    encoder.lexicon.get_buffer("vectors").neg_()
    assert not torch.equal(encoder(encoder.reader().read([word])), before)


def test_a_tokenizer_in_python_serves_as_well(folders: dict[str, str], tmp_path: Path) -> None:
    transformer, fast = hub.load(folders["bert"])
    (tmp_path / "vocab.txt").write_text(
        "\n".join(fast.convert_ids_to_tokens(range(len(fast)))), "utf-8"
    )
    slow = BertTokenizerLegacy(str(tmp_path / "vocab.txt"), do_lower_case=False)
    loaded_fast = loaded(folders["bert"])
    twin = PretrainedEncoder(transformer, slow, loaded_fast.config)
    twin.load_state_dict(loaded_fast.state_dict())
    with torch.no_grad():
        one = loaded_fast(loaded_fast.reader().read(SENTENCES))
        other = twin.eval()(twin.reader().read(SENTENCES))
    assert torch.allclose(one, other, atol=1e-5)


# What cannot be used is refused in a sentence.


def refusal(source: str) -> str:
    with pytest.raises(PretrainedError) as caught:
        hub.load(source)
    assert source in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value.reason


def configured(folder: Path, **record: object) -> str:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(record), "utf-8")
    return str(folder)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "nowhere")) == "there is no such folder"


def test_a_name_that_cannot_be_one() -> None:
    assert refusal("a/b/c") == "there is no such folder, and no such name on the hub"


def test_nezha_says_what_to_use(tmp_path: Path) -> None:
    reason = refusal(configured(tmp_path / "n", model_type="nezha"))
    assert "NEZHA has left transformers" in reason
    assert "hfl/chinese-roberta-wwm-ext" in reason


def test_nezha_says_so_where_the_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "NEZHA has left transformers" in refusal("sijunhe/nezha-cn-base")
    assert "the hub cannot be reached" in refusal("someone/another-encoder")


def test_what_is_no_encoder_of_text(tmp_path: Path) -> None:
    assert "with a decoder" in refusal(configured(tmp_path / "t", model_type="t5"))
    assert "does not read text" in refusal(configured(tmp_path / "v", model_type="vit"))
    assert "config.json" in refusal(configured(tmp_path / "u") + "/..")
    assert "not" in refusal(configured(tmp_path / "x", model_type="unheard-of"))


def test_weights_that_are_missing(folders: dict[str, str], tmp_path: Path) -> None:
    for file in Path(folders["bert"]).iterdir():
        if file.name == "config.json" or "token" in file.name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    assert "model.safetensors" in refusal(str(tmp_path))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"{}"])
def test_a_damaged_file(name: str, damage, folders: dict[str, str], tmp_path: Path) -> None:
    for file in Path(folders["bert"]).iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(damage(content) if file.name == name else content)
    assert refusal(str(tmp_path))


def test_numbers_are_whole_in_a_batch(folders: dict[str, str]) -> None:
    batch = loaded(folders["roberta"]).reader().read(["漢字 안"])
    assert batch.last is not None  # a character is several bytes
    assert (batch.last >= batch.first).all()
