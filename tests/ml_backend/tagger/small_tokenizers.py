"""Tokenizers of every kind, trained on a few sentences, and tiny encoders in folders."""

import unicodedata
from pathlib import Path
from typing import Any

from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    AutoConfig,
    AutoModel,
    PreTrainedTokenizerFast,
)

SENTENCES = [
    "안정환을 만났다. 롯데는 부산 사직구장에서 이겼다.",
    "나쓰메 소세키(1867~1916)의 대표작 ‘마음’",
    "The museum in Ålesund opened in 1998, café included.",
    "彭小军认为，国内银行现在走的是台湾的发卡模式",
    "東京タワーへ行きました。",
    "İstanbul'da ½ ﬁsh ① … 👩‍🔬",
]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def word_piece(*, lower: bool = False, nfc: bool = False, size: int = 160) -> Tokenizer:
    """As BERT's; with `nfc`, composed before anything else."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    bert = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), bert]) if nfc else bert
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.WordPieceTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def byte_level(*, trim: bool = True, size: int = 400) -> Tokenizer:
    """As RoBERTa's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=ROBERTA_SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), trim_offsets=trim, add_prefix_space=False
    )
    return tokenizer


def unigram(*, prepend: bool = True, size: int = 140) -> Tokenizer:
    """As XLM-R's: a mark in front of every word, compatibility forms."""
    tokenizer = Tokenizer(models.Unigram())
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    tokenizer.normalizer = normalizers.Sequence([spaces, normalizers.NFKC()])
    scheme = "always" if prepend else "never"
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    trainer = trainers.UnigramTrainer(
        vocab_size=size, special_tokens=ROBERTA_SPECIAL, unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def wrapped(tokenizer: Tokenizer, **options: Any) -> PreTrainedTokenizerFast:
    """As transformers loads it."""
    bert = "[CLS]" in tokenizer.get_vocab()
    names = SPECIAL if bert else ROBERTA_SPECIAL
    keys = (
        ["pad_token", "unk_token", "cls_token", "sep_token", "mask_token"]
        if bert
        else ["bos_token", "pad_token", "eos_token", "unk_token", "mask_token"]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, **dict(zip(keys, names, strict=True)), **options
    )


# model type: its tokenizer, and what its configuration calls sizes
ARCHITECTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("bert", {}),
    "electra": ("bert", {"embedding_size": 16}),
    "ernie": ("bert", {}),
    "distilbert": ("bert", {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}),
    "roberta": ("bytes", {"pad_token_id": 1}),
    "deberta": ("bytes", {"relative_attention": True, "pos_att_type": ["c2p", "p2c"]}),
    "xlm-roberta": ("unigram", {"pad_token_id": 1}),
    "xlnet": ("unigram", {"d_model": 32, "n_layer": 2, "n_head": 2, "d_inner": 64}),
}


def encoder_folder(folder: Path, model_type: str, *, longest: int = 64) -> str:
    """Write a tiny encoder with random weights and its tokenizer; returns the folder's name."""
    kind, own = ARCHITECTURES[model_type]
    make = {"bert": word_piece, "bytes": byte_level, "unigram": unigram}[kind]
    tokenizer = wrapped(make())
    sizes = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": longest,
    }
    if "d_model" in own or "dim" in own:
        sizes = {"vocab_size": len(tokenizer)}
        if model_type == "distilbert":
            sizes["max_position_embeddings"] = longest
    config = AutoConfig.for_model(model_type, **sizes | own)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def folded(text: str) -> str:
    """What two spellings of the same content have in common."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text)).casefold()
    kept = [c for c in plain if unicodedata.category(c)[0] not in "ZCM" and c != "�"]
    return "".join(kept)
