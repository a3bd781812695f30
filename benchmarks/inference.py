"""How fast `predict` is with a transformer of ELECTRA-small's size, against the pipeline.

The other side is `transformers.pipeline("token-classification")` at batch 32 in fp32, as the
systems call it, with an encoder of the same size (12 layers of 256, 4 heads, 1,024 inside,
embeddings of 128, random weights), 33 labels in BIO, entities put together ("simple"). Ours
labels characters, with a CRF over the same labels in BIOES, and gives probabilities. On both
sides the weight of O is such that about as many entities are found as there are. Texts are of
kmounlp-train, the tokenizer (WordPiece, 30,000) is trained on them.

The sides take turns on the same texts. Both have one thread, and seconds are those of the
process on the processor: what they would take on an idle core.

`served_f1_loss` is the largest loss on dev among two taggers trained here, whose F1 means
something: strict micro F1 of fp32 less that of the form that was chosen. One has the built-in
encoder, one MiniLM (6 layers of 384, trained weights from the package index), which learns the
generated English of benchmarks/pretrained.py; ELECTRA's random weights would learn too slowly here.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor
from transformers import (
    ElectraConfig,
    ElectraForTokenClassification,
    ElectraModel,
    PreTrainedTokenizerFast,
    pipeline,
)

from benchmarks import pretrained
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.forms import FormName, available, form_for
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.model import Model
from ml_backend.tagger.predict import Tagger, one_thread
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.training import dataset
from ml_backend.training.files import read_gold
from ml_backend.training.fit import fit
from ml_backend.training.serving_form import LOSS, choose

CPU = torch.device("cpu")
LABELS = tuple(f"LABEL {number:02}" for number in range(33))
ENTITIES = 3.4  # a text, in kmounlp
BARS = {"fp32_ratio": 2.2, "served_ratio": 6.0}
SHARE_BAR, LOSS_BAR = 0.15, 100 * LOSS
TRAIN, DEV = 1500, 500


def main() -> int:
    """Print the figures as JSON lines; 1 when a bar is missed."""
    options = _options()
    gold = read_gold([options.corpora / "kmounlp-train.jsonl"]).documents
    texts = [document.text for document in gold]
    one_thread()
    with tempfile.TemporaryDirectory(prefix="goldloop-bench-") as name:
        ok = speed(electra_small(Path(name), texts), texts, options.texts, options.turns)
        ok &= loss(Path(name), gold, options.steps)
    return 0 if ok else 1


def electra_small(folder: Path, texts: Sequence[str]) -> Path:
    """A folder as `AutoModel` reads it."""
    words = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    words.train_from_iterator(texts, vocab_size=30000, show_progress=False)
    words.save(str(folder / "words.json"))
    special = {name: f"[{name[:-6].upper()}]" for name in ("unk_token", "pad_token", "cls_token")}
    special |= {"sep_token": "[SEP]", "mask_token": "[MASK]"}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "words.json"), model_max_length=512, **special
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    ElectraModel(_electra(len(tokenizer))).save_pretrained(folder)
    return folder


def speed(folder: Path, texts: Sequence[str], count: int, turns: int) -> bool:
    """Both sides in turn; whether the bars of speed are met."""
    sample = texts[:: len(texts) // count][:count]
    other = the_pipeline(folder, sample)
    model = our_model(folder, texts, sample)
    names = available(model, CPU)
    forms = {name: form_for(model, name, texts[1 :: len(texts) // 256]) for name in names}
    taggers = {name: Tagger(model, CPU, form=form) for name, form in forms.items()}
    in_head = {form: _Stopwatch(tagger._model.head) for form, tagger in taggers.items()}
    sides: dict[str, Callable[[], Any]] = {"pipeline": lambda: other(list(sample))}
    for form, tagger in taggers.items():
        sides[form] = lambda tagger=tagger: tagger.predict(sample)
    for side in sides.values():  # once for the memory they will use
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    shares: dict[str, list[float]] = {form: [] for form in names}
    for turn in range(turns):
        for name, side in sides.items():
            if name != "pipeline":
                in_head[name].seconds = 0.0
            began = time.process_time()
            side()
            seconds[name].append(time.process_time() - began)
            if name != "pipeline":
                shares[name].append(in_head[name].seconds / seconds[name][-1])
        rates = ", ".join(f"{name} {count / seconds[name][-1]:.1f}/s" for name in sides)
        print(f"turn {turn}: {rates}", file=sys.stderr, flush=True)
    ratios = {
        form: statistics.median(
            other / ours for other, ours in zip(seconds["pipeline"], seconds[form], strict=True)
        )
        for form in names
    }
    for form in names:
        share = statistics.median(shares[form])
        print(f"{form}: ratio {ratios[form]:.2f}, in the CRF {share:.3f}", file=sys.stderr)
    _limit(model, sample, statistics.median(seconds["pipeline"]))
    served = max(names, key=lambda form: ratios[form])
    ok = _print("crf_share", statistics.median(shares["fp32"]), SHARE_BAR, "share", least=False)
    ok &= _print("fp32_ratio", ratios["fp32"], BARS["fp32_ratio"], "ratio")
    return ok & _print("served_ratio", ratios[served], BARS["served_ratio"], "ratio", form=served)


def _limit(model: Model, sample: Sequence[str], pipeline_seconds: float) -> None:
    """Print what the ratio would be if a sentence were the bare products of its tokens in 8 bits
    and nothing else: no attention, no activation, no characters, no CRF."""
    layers = [one for one in model.encoder.modules() if isinstance(one, torch.nn.Linear)]
    weights = sum(one.weight.numel() for one in layers if one.in_features in (256, 1024))
    tokens = sum(2 + pieces for pieces in model.encoder.reader().sizes(sample))
    left = torch.randint(-127, 127, (512, 256), dtype=torch.int8)
    right = torch.randint(-127, 127, (1024, 256), dtype=torch.int8).t()
    rates = []
    for _ in range(20):
        began = time.process_time()
        for _ in range(20):
            torch._int_mm(left, right)
        rates.append(20 * 2 * 512 * 256 * 1024 / (time.process_time() - began))
    rate, operations = statistics.median(rates), 2 * weights * tokens
    figure = {
        "name": "int8_products_alone_ratio",
        "value": round(pipeline_seconds * rate / operations, 2),
        "bar": None,
        "unit": "ratio",
        "ok": True,
        "giga_operations_a_second": round(rate / 1e9),
        "giga_operations_a_sentence": round(operations / len(sample) / 1e9, 3),
    }
    print(json.dumps(figure), flush=True)


def the_pipeline(folder: Path, sample: Sequence[str]) -> Any:
    """As in the systems: a loaded model, one call for a list of texts."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    names = ["O", *(f"{part}-{label}" for label in LABELS for part in "BI")]
    torch.manual_seed(0)
    config = _electra(len(tokenizer))
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    model = ElectraForTokenClassification(config).eval()
    read = tokenizer(list(sample[:64]), padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        scores = model(**read).logits[read["attention_mask"].bool()]
        model.classifier.bias[0] += _weight_of_outside(scores, 0, ENTITIES * 64)
    return pipeline(
        "token-classification",
        model=model,
        tokenizer=tokenizer,
        batch_size=32,
        device="cpu",
        aggregation_strategy="simple",
    )


@torch.inference_mode()
def our_model(folder: Path, texts: Sequence[str], sample: Sequence[str]) -> Model:
    """A pretrained encoder for characters and a CRF, not trained."""
    torch.manual_seed(0)
    labels, vocabulary = LabelSet(LABELS), Vocabulary.of(texts, least=2)
    encoder = PretrainedEncoder.load(str(folder), labels, vocabulary).eval()
    head = CrfHead(labels, encoder.size)
    batch = encoder.reader().read(sample[:64])
    inside = torch.arange(int(batch.lengths.max())) < batch.lengths.unsqueeze(1)
    states, outside = encoder(batch), head.scheme.tags.index(("O", ""))
    scores = head.emit(states)[inside]  # (characters, tags)
    head.emit.bias[outside] += _weight_of_outside(scores, outside, ENTITIES * 64)
    for _ in range(6):  # as sure as a trained one: of half of the readings more than even
        sure = [read.confidence for read in head.decode(states, batch.lengths)]
        if statistics.median(sure) > 0.5:
            break
        head.emit.weight *= 1.5
        head.emit.bias *= 1.5
    return Model(encoder, head).eval()


def loss(folder: Path, gold: Sequence[GoldDocument], steps: int) -> bool:
    """Train a moment, let the form be chosen, compare; whether the bar is met."""
    labels = LabelSet(tuple(sorted({e.label for one in gold for e in one.entities})))
    builtin = dataset.from_documents(gold[:TRAIN], gold[-DEV:], labels)
    quick = TrainingConfig(max_steps=steps, min_steps=steps, looks=2, learning_rate=5e-3)
    english = pretrained.english()[0]
    names = {label: names[::3] for label, names in pretrained.pools().items()}
    dev = list(pretrained.documents(DEV, names, random.Random(1)))
    tuned = pretrained.fine_tuned(pretrained.minilm(folder), "crf", "character")
    losses = []
    for encoder, data, config in (
        ("builtin", builtin, quick),
        ("minilm", replace(english, dev=dev), tuned),
    ):
        fitted = fit(data, config, seed=1, device=CPU, watch=lambda step: None)
        choice = choose(fitted.model, data.dev, "auto", CPU)
        losses.append(
            100 * (choice.figures["fp32"]["dev_f1"] - choice.figures[choice.form.name]["dev_f1"])
        )
        about = {"encoder": encoder, "form": choice.form.name, "forms": choice.figures}
        print(json.dumps(about), file=sys.stderr, flush=True)
    return _print("served_f1_loss", max(losses), LOSS_BAR, "points", least=False)


class _Stopwatch:
    """Adds up the seconds that a head's `decode` takes."""

    def __init__(self, head: Any):
        self.seconds, self._decode = 0.0, head.decode
        head.decode = self

    def __call__(self, states: Tensor, lengths: Tensor) -> Any:
        began = time.process_time()
        try:
            return self._decode(states, lengths)
        finally:
            self.seconds += time.process_time() - began


def _electra(words: int) -> ElectraConfig:
    return ElectraConfig(
        vocab_size=words,
        embedding_size=128,
        hidden_size=256,
        num_hidden_layers=12,
        num_attention_heads=4,
        intermediate_size=1024,
    )


def _weight_of_outside(scores: Tensor, outside: int, entities: float) -> Tensor:
    """What to add to O so that so many positions get another tag: with random weights nearly
    each of them is an entity. Scores are (positions, tags)."""
    others = torch.cat([scores[:, :outside], scores[:, outside + 1 :]], dim=1)
    return (others.amax(1) - scores[:, outside]).quantile(1 - entities / len(scores))


def _print(
    name: str, value: float, bar: float, unit: str, *, least: bool = True, **more: FormName
) -> bool:
    ok = value >= bar if least else value <= bar
    figure = {"name": name, "value": round(value, 3), "bar": bar, "unit": unit, "ok": ok, **more}
    print(json.dumps(figure), flush=True)
    return ok


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    corpora = Path(__file__).parents[2] / "shared" / "corpora"
    parser.add_argument("--corpora", type=Path, default=corpora)
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
