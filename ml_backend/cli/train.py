"""`goldloop tagger train`: from files of gold to a tagger's folder."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from ml_backend.cli.destination import Destination
from ml_backend.cli.terminal import bars, print_json, sentences, tell_refused
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.scoring import Scores
from ml_backend.contract.training_config import TrainingConfig, TrainingConfigError
from ml_backend.tagger.loading import load_model
from ml_backend.training.dataset import TrainingData, TrainingDataError, from_documents
from ml_backend.training.distributed import is_first
from ml_backend.training.files import GoldFile, RefusedLine, read_gold
from ml_backend.training.fit import Step
from ml_backend.training.option_yaml import read_options, read_yaml
from ml_backend.training.state import mark_of
from ml_backend.training.version import make_version

_FILE = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Gold:
    """What the files hold, and the lines of them that were left out."""

    data: TrainingData
    refused: list[RefusedLine]
    files: dict[str, dict[str, str]]  # what it is for → file → SHA-256


@click.command()
@click.option(
    "--train",
    "train_files",
    required=True,
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="gold to learn from, JSON Lines; may be given several times",
)
@click.option(
    "--dev",
    "dev_files",
    required=True,
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="gold to choose weights, calibration and serving form on; "
    "below 20 documents a tenth of train is set aside for it too",
)
@click.option(
    "--out",
    required=True,
    type=_FILE,
    metavar="DIR",
    help="where the tagger goes: an empty folder, or one whose training was interrupted",
)
@click.option("--config", "config_file", type=_FILE, metavar="FILE", help="options, as YAML")
@click.option("--encoder", help="builtin, or a Hugging Face name or folder")
@click.option("--head", help="crf, softmax, bilstm-crf, bigru-crf, span or biaffine")
@click.option("--unit", help="what the head labels: character or token")
@click.option("--gazetteer", metavar="FILE", help="names to look up, as a lexicon")
@click.option("--vectors", metavar="FILE", help="word vectors, of word2vec, fastText or GloVe")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="any option of the configuration; may be given several times",
)
@click.option(
    "--pseudo",
    multiple=True,
    type=_FILE,
    metavar="FILE",
    help="predictions to learn from besides, with the weight pseudo_weight",
)
@click.option(
    "--start-from",
    type=_FILE,
    metavar="DIR",
    help="a tagger whose weights are gone on from, where shapes allow it",
)
@click.option("--seed", default=0, type=click.IntRange(0), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of sentences")
def train(
    train_files: tuple[Path, ...],
    dev_files: tuple[Path, ...],
    out: Path,
    config_file: Path | None,
    settings: tuple[str, ...],
    pseudo: tuple[Path, ...],
    start_from: Path | None,
    seed: int,
    as_json: bool,
    **named: str | None,
) -> None:
    """Train a tagger on gold in files; a training that was interrupted goes on.

    Under torchrun (--no-python goldloop tagger train …) the processes train together.
    """
    with sentences():
        config = _config(config_file, settings, named, start_from)
        gold = _gold(train_files, dev_files, pseudo, config, start_from)
        destination = Destination(out)
        if is_first():
            tell_refused(gold.refused)
            mark = f"{mark_of(gold.data, config, seed=seed, together=0)} {start_from}"
            if destination.claim(mark) and not as_json:
                click.echo(f"going on with the training in {out}", err=True)
        kept = destination.given_back() if is_first() else nullcontext()
        with _shown(as_json or not is_first()) as watch, kept:
            made = make_version(
                gold.data,
                config,
                seed=seed,
                folder=destination.version,
                about={"files": gold.files},
                watch=watch,
                resume_in=destination.state,
                start_from=start_from,
            )
        if is_first():
            destination.finish()
            _tell(made, gold, out, as_json)


def _config(
    file: Path | None,
    settings: Sequence[str],
    named: dict[str, str | None],
    start_from: Path | None,
) -> TrainingConfig:
    """The file's options, with those of the command line in their place."""
    chosen: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if start_from is not None:
        chosen["start"] = "champion"
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise TrainingConfigError(f"--set takes NAME=VALUE, not {setting!r}")
        try:
            chosen[name.strip()] = read_yaml(value)
        except yaml.YAMLError as error:
            raise TrainingConfigError(f"the value of {name} cannot be read: {value!r}") from error
    config = TrainingConfig.from_dict(chosen) if file is None else read_options(file, chosen)
    if config.start == "champion" and start_from is None:
        raise TrainingConfigError(
            "start: champion needs the tagger to go on from: --start-from DIR"
        )
    return config


def _gold(
    train: Sequence[Path],
    dev: Sequence[Path],
    pseudo: Sequence[Path],
    config: TrainingConfig,
    start_from: Path | None,
) -> Gold:
    """Read the files. A tagger that is started from has its labels first, in its order."""
    read: dict[str, GoldFile] = {
        name: read_gold(paths, nested=config.nested)
        for name, paths in (("train", train), ("dev", dev), ("pseudo", pseudo))
    }
    labels = list(load_model(start_from).labels) if start_from is not None else []
    labels += sorted({name for file in read.values() for name in file.labels()}.difference(labels))
    if not labels:
        raise TrainingDataError("no document to train on holds an entity")
    data = from_documents(
        read["train"].documents,
        read["dev"].documents,
        LabelSet(tuple(labels)),
        nested=config.nested,
        pseudo=read["pseudo"].documents,
        pseudo_weight=config.pseudo_weight,
    )
    refused = [line for file in read.values() for line in file.refused]
    files = {
        name: {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        for name, paths in (("train", train), ("dev", dev), ("pseudo", pseudo))
    }
    return Gold(data, refused, files)


@contextmanager
def _shown(quiet: bool) -> Iterator[Any]:
    """What watches a training and shows how far it is."""
    with bars(quiet=quiet) as bar:
        shown = bar.add_task("training", total=None)

        def watch(step: Step) -> None:
            told = f"loss {step.loss:.3f}, dev F1 {step.dev_f1:.4f}"
            bar.update(shown, completed=step.step, total=step.steps, description=told)

        yield watch


def _tell(made: dict[str, Any], gold: Gold, out: Path, as_json: bool) -> None:
    if as_json:
        refused = [asdict(line) for line in gold.refused]
        print_json({"model": str(out), **made, "refused": refused})
        return
    dev = Scores.from_dict(made["dev"]).micro
    click.echo(
        f"dev F1 {dev.f1:.4f} (precision {dev.precision:.4f}, recall {dev.recall:.4f}) after "
        f"{made['steps']} steps on {made['documents']} documents; the tagger is in {out}"
    )
