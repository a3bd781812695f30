"""`goldloop tagger` as it is typed: results on stdout, mistakes as sentences, no line lost."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
import torch
import yaml
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from ml_backend.cli.tagger import tagger
from ml_backend.contract.entity import Entity
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.scoring import score
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.predict import Tagger
from ml_backend.training.files import read_gold
from tests.ml_backend.conftest import TINY, sample_gold

QUICK = {**TINY, "min_steps": 20, "save_every": 8}


def run(*arguments: object, **rest: Any) -> Result:
    return CliRunner().invoke(tagger, [str(argument) for argument in arguments], **rest)


def write(path: Path, documents: list[GoldDocument]) -> Path:
    lines = (orjson.dumps({"text": d.text, "entities": d.to_dict()["entities"]}) for d in documents)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture(scope="module")
def model(tiny_model_store: ModelStore) -> Path:
    """A trained tagger's folder."""
    return tiny_model_store.version_folder("tiny", "v1")


@pytest.fixture
def gold(tmp_path: Path) -> Path:
    return write(tmp_path / "gold.jsonl", sample_gold(40, seed=8))


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    path = tmp_path / "quick.yaml"
    path.write_text(yaml.safe_dump(QUICK))
    return path


def train(gold: Path, out: Path, *rest: object) -> Result:
    return run("train", "--train", gold, "--dev", gold, "--out", out, *rest)


class TestEvaluate:
    def test_as_json_it_is_the_report(self, model: Path, gold: Path, tmp_path: Path) -> None:
        plot = tmp_path / "plot.png"
        done = run("evaluate", "--model", model, "--data", gold, "--json", "--plot", plot)
        assert (done.exit_code, done.stderr) == (0, "")
        found = json.loads(done.stdout)
        documents = read_gold([gold]).documents
        predicted = Tagger.load(model).predict([d.text for d in documents])
        scores = score([d.entities for d in documents], [p.entities for p in predicted])
        assert found["micro"] == scores.micro.to_dict()
        assert found["macro"]["f1"] == scores.macro_f1
        interval = found["micro_f1_interval"]
        assert interval["low"] < interval["estimate"] < interval["high"]
        assert found["reach"] == {"entities": scores.micro.support, "share": 1, "unreachable": {}}
        assert found["calibration"]["spans"]["count"] == scores.micro.predicted
        assert plot.read_bytes().startswith(b"\x89PNG")

    def test_as_tables_it_names_labels_and_mistakes(self, model: Path, gold: Path) -> None:
        done = run("evaluate", "--model", model, "--data", gold)
        assert done.exit_code == 0
        labels = read_gold([gold]).labels()
        for word in (*labels, "micro", "macro", "boundary", "spurious", "within reach", "log-loss"):
            assert word in done.stdout

    def test_a_plot_that_cannot_be_written_is_a_sentence_after_the_figures(
        self, model: Path, gold: Path
    ) -> None:
        plot = gold / "plot.png"
        done = run("evaluate", "--model", model, "--data", gold, "--json", "--plot", plot)
        assert done.exit_code == 1
        assert json.loads(done.stdout)["documents"] == 40
        assert done.stderr == f"Error: {plot}: File exists\n"

    def test_bad_lines_are_told_and_the_rest_is_judged(self, model: Path, gold: Path) -> None:
        with gold.open("a") as file:
            file.write('nonsense\n{"text": "a"}\n')
        done = run("evaluate", "--model", model, "--data", gold, "--json")
        assert done.exit_code == 0
        assert f"left out: {gold}, line 41: not JSON" in done.stderr
        refused = json.loads(done.stdout)["refused"]
        assert [(line["file"], line["line"]) for line in refused] == [
            (str(gold), 41),
            (str(gold), 42),
        ]


class TestPredict:
    def test_one_line_out_for_each_in_order(self, model: Path) -> None:
        texts = [document.text for document in sample_gold(30, seed=5)]
        texts[3:3] = ["", "  \u2028 😀"]
        lines = [orjson.dumps({"id": n, "text": text}) for n, text in enumerate(texts)]
        done = run("predict", "--model", model, "--batch-size", 4, input=b"\n".join(lines))
        assert (done.exit_code, done.stderr) == (0, "")
        records = [orjson.loads(line) for line in done.stdout_bytes.split(b"\n")[:-1]]
        assert [record["id"] for record in records] == list(range(len(texts)))
        for record, text, said in zip(
            records, texts, Tagger.load(model).predict(texts), strict=True
        ):
            assert record["text"] == text
            entities = [Entity.from_dict(entity, length=len(text)) for entity in record["entities"]]
            assert entities == said.entities
            # other batches add up in another order
            probabilities = [entity.probability for entity in said.entities]
            assert [e.probability for e in entities] == pytest.approx(probabilities, abs=1e-4)
            assert record["confidence"] == pytest.approx(said.confidence, abs=1e-4)

    def test_plain_files_one_after_the_other_and_bad_lines_in_their_place(
        self, model: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "a.txt").write_bytes("서울에 갔다\n\n".encode())
        (tmp_path / "b.jsonl").write_bytes(b'{"text": "a"}\n\n[]\n{"text": "b"}')
        done = run("predict", "--model", model, tmp_path / "a.txt", tmp_path / "b.jsonl")
        assert done.exit_code == 0
        records = [json.loads(line) for line in done.stdout.split("\n")[:-1]]
        assert [record.get("text") for record in records] == ["서울에 갔다", "", "a", None, "b"]
        assert (records[3]["line"], records[3]["error"]) == (3, "not a JSON object")
        assert "line 3: not a JSON object" in done.stderr

    def test_predictions_are_pseudo_labels_as_they_are(self, model: Path, tmp_path: Path) -> None:
        text = sample_gold(1, seed=5)[0].text
        done = run("predict", "--model", model, input=orjson.dumps({"text": text}))
        (tmp_path / "pseudo.jsonl").write_bytes(done.stdout_bytes)
        assert read_gold([tmp_path / "pseudo.jsonl"]).documents[0].text == text

    def test_nothing_in_nothing_out_but_only_bad_lines_are_an_error(self, model: Path) -> None:
        done = run("predict", "--model", model, input=b"")
        assert (done.exit_code, done.stdout) == (0, "")
        done = run("predict", "--model", model, "--format", "jsonl", input=b"a\nb\n")
        assert done.exit_code == 1
        assert done.stderr.endswith("Error: no line can be used\n")

    @pytest.mark.parametrize("piped", [False, True])
    def test_a_terminal_shows_how_far_it_is(self, model: Path, tmp_path: Path, piped: bool) -> None:
        texts = tmp_path / "texts.txt"
        texts.write_text("서울\n부산에 갔다\n비가 온다\n", "utf-8")
        words = ["predict", "--model", model, *(() if piped else (texts,))]
        command = [sys.executable, "-c", "from ml_backend.cli.tagger import tagger; tagger()"]
        seen, terminal = pty.openpty()
        with texts.open("rb") as file:
            done = subprocess.run(
                [*command, *words], stdin=file, stdout=subprocess.PIPE, stderr=terminal, check=True
            )
        os.close(terminal)
        told = os.read(seen, 100_000)
        os.close(seen)
        assert b"3/3" in told
        assert b"/?" not in told
        assert len(done.stdout.splitlines()) == 3


class TestCompare:
    def test_any_two_as_json_and_as_a_table(self, model: Path, gold: Path, quick: Path) -> None:
        other = gold.parent / "other"
        assert train(gold, other, "--config", quick, "--set", "min_steps=2").exit_code == 0
        done = run("compare", "--models", model, other, "--data", gold, "--json")
        assert done.exit_code == 0, done.stderr
        (found,) = json.loads(done.stdout)["comparisons"]
        assert (found["first"], found["second"]) == (str(model), str(other))
        assert found["decided"]
        assert found["difference"]["high"] < 0
        assert found["second_f1"] - found["first_f1"] == pytest.approx(
            found["difference"]["estimate"]
        )
        table = run("compare", "--models", other, "--models", model, "--data", gold)
        assert "second is better" in table.stdout

    def test_one_model_cannot_be_compared(self, model: Path, gold: Path) -> None:
        for models in ([model], [model, model]):
            done = run("compare", "--models", *models, "--data", gold)
            assert done.exit_code == 1
            assert "two different folders" in done.stderr


class TestTrain:
    def test_a_tagger_is_made_and_keeps_its_options(self, gold: Path, quick: Path) -> None:
        out = gold.parent / "out"
        done = train(gold, out, "--config", quick, "--set", "hidden=16", "--seed", 3, "--json")
        assert (done.exit_code, done.stderr) == (0, "")
        made = json.loads(done.stdout)
        assert (made["model"], made["seed"], made["steps"]) == (str(out), 3, 20)
        assert made["refused"] == []
        assert list(made["files"]["train"]) == [str(gold)]
        assert not (out / "unfinished").exists()
        saved = yaml.safe_load((out / "training.yaml").read_text())
        assert saved["hidden"] == 16
        assert saved["symbol_size"] == QUICK["symbol_size"]
        # the same again from what was saved, to the byte
        again = gold.parent / "again"
        assert train(gold, again, "--config", out / "training.yaml", "--seed", 3).exit_code == 0
        weights = [(folder / "weights.safetensors").read_bytes() for folder in (out, again)]
        assert weights[0] == weights[1]
        assert "the tagger is in" in train(gold, gold.parent / "c", "--config", quick).stdout

    def test_what_is_finished_is_not_overwritten(self, model: Path, gold: Path) -> None:
        done = train(gold, model)
        assert done.exit_code == 1
        assert done.stderr == f"Error: {model} holds a tagger already: name another folder\n"

    @pytest.mark.parametrize(
        ("options", "sentence"),
        [
            (["--set", "epoch=3"], "there is no training option epoch"),
            (["--set", "epochs"], "--set takes NAME=VALUE"),
            (["--set", "epochs=many"], "epochs"),
            (["--head", "hmm"], "head"),
            (["--config", "none.yaml"], "none.yaml cannot be read"),
            (["--start-from", "nowhere"], "no usable tagger in nowhere: config.json is missing"),
            (["--pseudo", "none.jsonl"], "none.jsonl: No such file or directory"),
            (["--unit", "token"], "the built-in encoder reads characters"),
            (["--gazetteer", "none.tsv"], "none.tsv: cannot be read"),
            (["--vectors", "none.vec"], "none.vec: cannot be read as word vectors"),
            (["--encoder", "./none"], "the encoder ./none cannot be used"),
            (["--set", "start=champion"], "--start-from DIR"),
        ],
    )
    def test_a_mistake_is_a_sentence(
        self, gold: Path, quick: Path, options: list[str], sentence: str
    ) -> None:
        out = gold.parent / "out"
        done = train(gold, out, *(() if "--config" in options else ("--config", quick)), *options)
        assert done.exit_code == 1
        assert done.stderr.startswith("Error: ")
        assert sentence in done.stderr
        assert done.stderr.count("\n") == 1
        assert not out.exists()

    def test_gold_without_entities_is_a_sentence(self, tmp_path: Path, quick: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"text": "a", "entities": []}\n')
        done = train(tmp_path / "a.jsonl", tmp_path / "out", "--config", quick)
        assert done.exit_code == 1
        assert "no document to train on holds an entity" in done.stderr

    def test_an_interrupted_training_goes_on_and_ends_the_same(
        self, gold: Path, quick: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, cut = gold.parent / "whole", gold.parent / "cut"
        assert train(gold, whole, "--config", quick).exit_code == 0
        with monkeypatch.context() as patch:
            patch.setattr("ml_backend.cli.train._shown", _interrupting(at=13))
            assert train(gold, cut, "--config", quick).exit_code != 0
        assert [path.name for path in cut.iterdir()] == ["unfinished"]
        other = train(gold, cut, "--config", quick, "--seed", 1)
        assert other.exit_code == 1
        assert "unfinished training of other gold, options or seed" in other.stderr
        done = train(gold, cut, "--config", quick)
        assert done.exit_code == 0
        assert "going on" in done.stderr
        names = sorted(path.name for path in whole.iterdir())
        assert sorted(path.name for path in cut.iterdir()) == names
        weights = [(folder / "weights.safetensors").read_bytes() for folder in (whole, cut)]
        assert weights[0] == weights[1]

    def test_under_torchrun_two_processes_make_the_tagger_that_one_makes(
        self, gold: Path, quick: Path
    ) -> None:
        alone, together = gold.parent / "alone", gold.parent / "together"
        assert train(gold, alone, "--config", quick, "--set", "accumulation=2").exit_code == 0
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python"]
        command = [str(Path(sys.executable).with_name("goldloop")), "tagger", "train", "--json"]
        files = ["--train", gold, "--dev", gold, "--out", together, "--config", quick]
        done = subprocess.run(
            [*torchrun, "--nproc-per-node=2", *command, *map(str, files)],
            check=True,
            capture_output=True,
            timeout=300,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        assert json.loads(done.stdout)["steps"] == 20  # one of the two tells
        first, second = (load_file(folder / "weights.safetensors") for folder in (alone, together))
        assert first.keys() == second.keys()
        assert all(torch.allclose(first[name], second[name], atol=1e-3) for name in first)

    def test_pseudo_labels_are_learned_from_besides(self, gold: Path, quick: Path) -> None:
        extra = write(
            gold.parent / "extra.jsonl", [*sample_gold(10, seed=1), *sample_gold(40, seed=8)]
        )
        out = gold.parent / "out"
        done = train(gold, out, "--config", quick, "--pseudo", extra, "--json")
        # what is in the gold already is not learned twice
        documents = json.loads(done.stdout)["documents"]
        plain = train(gold, gold.parent / "plain", "--config", quick, "--json")
        assert documents == json.loads(plain.stdout)["documents"] + 10

    def test_members_that_vote_are_one_tagger(self, gold: Path, quick: Path) -> None:
        out = gold.parent / "out"
        done = train(gold, out, "--config", quick, "--set", "folds=2", "--json")
        assert done.exit_code == 0, done.stderr
        made = json.loads(done.stdout)
        assert (made["steps"], len(made["members_dev_f1"])) == (40, 2)
        unseen = [json.loads(line) for line in (out / "out_of_fold.jsonl").open()]
        assert sorted(line["id"] for line in unseen) == sorted(
            f"gold.jsonl:{n + 1}" for n in range(40)
        )
        judged = run("evaluate", "--model", out, "--data", gold, "--json")
        assert json.loads(judged.stdout)["micro"] == made["dev"]["micro"]
        # and it can be gone on from
        more = train(gold, gold.parent / "more", "--config", quick, "--start-from", out)
        assert more.exit_code == 0, more.stderr

    def test_members_of_other_seeds_are_one_tagger_too(self, gold: Path, quick: Path) -> None:
        out = gold.parent / "out"
        done = train(gold, out, "--config", quick, "--set", "members=2", "--json")
        assert done.exit_code == 0, done.stderr
        made = json.loads(done.stdout)
        assert (made["steps"], len(made["members_dev_f1"])) == (40, 2)
        assert not (out / "out_of_fold.jsonl").exists()
        judged = run("evaluate", "--model", out, "--data", gold, "--json")
        assert json.loads(judged.stdout)["micro"] == made["dev"]["micro"]


def _interrupting(*, at: int) -> Any:
    """In place of the progress bar: a hand on Ctrl-C."""

    class Shown:
        def __init__(self, quiet: bool):
            pass

        def __enter__(self) -> Any:
            return self._watch

        def __exit__(self, *error: object) -> None:
            pass

        def _watch(self, step: Any) -> None:
            if step.step == at:
                raise KeyboardInterrupt

    return Shown
