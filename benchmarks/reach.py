"""Which gold entities a tagger can express at all, whatever it learns.

Every text of the corpora goes the tagger's own way: windows, reader, targets of the CRF head as
they are for its gold, from these the head's own decoding, back to characters, windows merged. What
comes back is what a perfect network would find; the figures are the shares of gold among it, for
the built-in encoder and for a pretrained one with a WordPiece tokenizer trained on the spot. With
unit `token` the same tokenizer sets a ceiling, which is printed for information.

    python benchmarks/reach.py [--corpora FOLDER]
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch.nn import functional
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.encoder import Encoder
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder, Unit
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.model import Model
from ml_backend.tagger.positions import Target, to_characters
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.tagger.windows import Window, merged, windows
from ml_backend.training.files import read_gold

PIECES = 32_000  # as many as the vocabularies of published Korean encoders
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
SURE = 30.0  # what a perfect network gives the right tag
TOGETHER = 64  # windows that are read at once


def main() -> int:
    """Print the figures; 1 when gold is out of reach."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    corpora = parser.parse_args().corpora
    gold = {
        "kmounlp": read_gold([corpora / "kmounlp-train.jsonl"]).documents,
        "klue": list(read_klue(corpora / "raw" / "klue_ner_dev_head.tsv")),
    }
    texts = [document.text for documents in gold.values() for document in documents]
    met = True
    with tempfile.TemporaryDirectory() as folder:
        write_encoder(Path(folder), texts)
        for name, documents in gold.items():
            labels = LabelSet(tuple(sorted({e.label for one in documents for e in one.entities})))
            encoders = {
                "builtin": builtin(labels),
                "pretrained": pretrained(folder, labels, "character"),
                "pretrained_tokens": pretrained(folder, labels, "token"),
            }
            shares = {kind: share(encoder, documents) for kind, encoder in encoders.items()}
            met &= show(name, min(shares["builtin"], shares["pretrained"]), 1.0)
            for kind, value in shares.items():
                show(f"{name}_{kind}", value, None)
    return 0 if met else 1


def show(name: str, value: float, bar: float | None) -> bool:
    """Print a figure; whether its bar is met."""
    ok = bar is None or value >= bar
    record = {"name": name, "value": value, "bar": bar, "unit": "share", "ok": ok}
    print(json.dumps(record), flush=True)
    return ok


def share(encoder: Encoder, documents: Sequence[GoldDocument]) -> float:
    """The share of gold entities that come back."""
    model = perfect(encoder)
    parts = [
        (number, window)
        for number, document in enumerate(documents)
        for window in windows(number, len(document.text))
    ]
    read: list[list[tuple[Window, Decoded]]] = [[] for _ in documents]
    reader = encoder.reader()
    for first in range(0, len(parts), TOGETHER):
        some = parts[first : first + TOGETHER]
        batch = reader.read([documents[n].text[w.start : w.end] for n, w in some])
        gold = [Target(_inside(documents[number].entities, window)) for number, window in some]
        tags = model.targets(gold, batch).tags  # (windows, positions)
        states = functional.one_hot(tags, model.head.emit.out_features).float()
        for row, found in enumerate(model.head.decode(states, batch.lengths)):
            places = None if batch.places is None else batch.places[row]
            whole = Decoded(to_characters(found.entities, places), found.confidence)
            read[some[row][0]].append((some[row][1], whole))
    found = [set(merged(one).entities) for one in read]
    reached = sum(len(set(d.entities) & f) for d, f in zip(documents, found, strict=True))
    return reached / sum(len(set(document.entities)) for document in documents)


def perfect(encoder: Encoder) -> Model:
    """A CRF that reads each position's tag off its vector."""
    labels = LabelSet(encoder.to_dict()["labels"])
    tags = len(CrfHead(labels, 1).scheme.tags)
    head = CrfHead(labels, tags)
    with torch.no_grad():
        head.emit.weight.copy_(SURE * torch.eye(tags))
        head.emit.bias.zero_()
    return Model(encoder, head).eval()


def _inside(entities: Sequence[Entity], window: Window) -> list[Entity]:
    """What of the entities lies in the window, moved into it."""
    cut = ((max(e.start, window.start), min(e.end, window.end), e.label) for e in entities)
    return [
        Entity(start - window.start, end - window.start, label)
        for start, end, label in cut
        if start < end
    ]


def builtin(labels: LabelSet) -> Encoder:
    """The built-in encoder; what it knows makes no difference here."""
    knowledge = Knowledge.of(["a"], [[]], labels, lexicon=False)
    return BuiltinEncoder.of(knowledge, hidden=2, symbol_size=2, evidence_size=2)


def pretrained(folder: str, labels: LabelSet, unit: Unit) -> Encoder:
    """The encoder of the folder."""
    return PretrainedEncoder.load(folder, labels, Vocabulary.of(["a"], least=1), unit=unit)


def write_encoder(folder: Path, texts: Sequence[str]) -> None:
    """A tiny BERT with a cased WordPiece vocabulary of these texts."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=PIECES, special_tokens=SPECIAL, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
    )
    BertModel(config).save_pretrained(folder)


def read_klue(path: Path) -> Iterator[GoldDocument]:
    """KLUE-NER's rows of a character, a tab and a BIO tag; an empty line ends a sentence."""
    for number, block in enumerate(path.read_text("utf-8").split("\n\n")):
        rows = [line for line in block.split("\n") if line and not line.startswith("##")]
        characters, tags = (
            zip(*(row.rsplit("\t", 1) for row in rows), strict=True) if rows else ((), ())
        )
        text = "".join(characters)
        entities = []
        for start, tag in enumerate(tags):
            if tag.startswith("B-"):
                end = start + 1
                while end < len(tags) and tags[end] == "I-" + tag[2:]:
                    end += 1
                entities.append(Entity(start, end, tag[2:]))
        if text:
            yield GoldDocument(f"klue-{number}", f"klue-{number}", text, entities)


if __name__ == "__main__":
    sys.exit(main())
