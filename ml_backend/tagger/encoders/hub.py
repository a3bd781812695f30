"""Pretrained encoders with their tokenizers: from a hub, from a folder, from a version's folder.

No code that comes with a model is ever run, and a version's folder needs no hub. transformers is
imported where it is used: it takes seconds, which a tagger without it need not wait for.
"""

import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

ASSETS = "pretrained"  # in a version's folder
_GONE = {
    "nezha": "NEZHA has left transformers; hfl/chinese-roberta-wwm-ext reads Chinese as well",
}
# What transformers raises of a folder that it does not take for one, and of damaged files.
_REFUSED = (OSError, ValueError, ImportError)
_DAMAGED = (
    AttributeError,
    EOFError,
    KeyError,
    RuntimeError,
    TypeError,
    SafetensorError,
    pickle.UnpicklingError,
)


class PretrainedError(ValueError):
    """A pretrained encoder that cannot be used; the message is one sentence that says why."""

    def __init__(self, source: str, reason: str):
        self.source, self.reason = source, reason
        super().__init__(f"the encoder {source} cannot be used: {reason}")


def load(source: str) -> tuple[nn.Module, Any]:
    """The encoder of this name or folder with its weights, and its tokenizer.

    Raises PretrainedError.
    """
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

    config = _config(source)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        transformer, report = AutoModel.from_pretrained(
            source,
            config=config,
            trust_remote_code=False,
            output_loading_info=True,
            dtype="float32",
        )
    except (*_REFUSED, *_DAMAGED) as error:
        raise PretrainedError(source, _reason(error)) from error
    missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
    if missing:
        raise PretrainedError(source, f"{len(missing)} of its weights are missing: {missing[0]}, …")
    transformer = _without_pooler(transformer)
    _try_out(transformer, source)
    return transformer, tokenizer


def load_untrained(folder: Path) -> tuple[nn.Module, Any]:
    """The encoder that `save` described, without its weights, and its tokenizer.

    Raises PretrainedError.
    """
    from transformers import AutoConfig, AutoModel, AutoTokenizer  # noqa: PLC0415

    source = str(folder / ASSETS)
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=True)
        new: Any = AutoModel.from_config  # untyped
        transformer = new(config, dtype="float32")
    except (*_REFUSED, *_DAMAGED) as error:
        raise PretrainedError(source, _reason(error)) from error
    return _without_pooler(transformer), tokenizer


def save(transformer: nn.Module, tokenizer: Any, folder: Path) -> None:
    """Write configuration and tokenizer into a version's folder; the weights go with all others."""
    config: Any = transformer.config
    config.save_pretrained(folder / ASSETS)
    tokenizer.save_pretrained(folder / ASSETS)


def longest_input(transformer: nn.Module) -> int | None:
    """How many tokens the encoder reads at once, special ones included; None: any number."""
    config: Any = transformer.config
    longest = getattr(config, "max_position_embeddings", None)
    for name, module in transformer.named_modules():
        if isinstance(module, nn.Embedding) and name.endswith("position_embeddings"):
            # some number positions from behind the padding's
            first = 0 if module.padding_idx is None else module.padding_idx + 1
            longest = module.num_embeddings - first
            break
    return longest if isinstance(longest, int) and longest > 0 else None


def _config(source: str) -> Any:
    from transformers import AutoConfig, PretrainedConfig  # noqa: PLC0415

    if source.startswith(("/", "./", "../", "~")) and not Path(source).is_dir():
        raise PretrainedError(source, "there is no such folder")
    try:
        record, _ = PretrainedConfig.get_config_dict(source)
        if record.get("model_type") in _GONE:
            raise PretrainedError(source, _GONE[record["model_type"]])
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
    except PretrainedError:
        raise
    except (*_REFUSED, *_DAMAGED) as error:
        # by its name, where the hub that could tell its kind cannot be reached
        gone = [why for name, why in _GONE.items() if name in Path(source).name.lower()]
        raise PretrainedError(source, gone[0] if gone else _reason(error)) from error
    if config.is_encoder_decoder:
        raise PretrainedError(source, f"{config.model_type} is an encoder with a decoder")
    sizes = (getattr(config, name, None) for name in ("vocab_size", "hidden_size"))
    if not all(isinstance(size, int) for size in sizes):
        raise PretrainedError(source, f"{config.model_type} does not read text")
    return config


def _without_pooler(transformer: nn.Module) -> nn.Module:
    """Less the part that sums a text up, for which a tagger has no use."""
    if isinstance(getattr(transformer, "pooler", None), nn.Module):
        transformer.register_module("pooler", None)
    return transformer


@torch.no_grad()
def _try_out(transformer: nn.Module, source: str) -> None:
    """Refuse what does not give a vector of its size for each token."""
    config: Any = transformer.config
    ids = torch.arange(16).unsqueeze(0) % config.vocab_size
    try:
        states = transformer(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        reason = f"{config.model_type} does not encode text alone: {_reason(error)}"
        raise PretrainedError(source, reason) from error
    if states.shape != (1, 16, config.hidden_size):
        reason = f"{config.model_type} gives {tuple(states.shape)} for {tuple(ids.shape)} tokens"
        raise PretrainedError(source, reason)


def _reason(error: BaseException) -> str:
    """One sentence for what transformers and its hub raise."""
    from huggingface_hub.errors import (  # noqa: PLC0415
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None:
        chain.append(link)
        link = link.__cause__ or link.__context__
    if any(isinstance(one, LocalEntryNotFoundError | OfflineModeIsEnabled) for one in chain):
        return "it is not on this machine and the hub cannot be reached; name its folder instead"
    if any(isinstance(one, RepositoryNotFoundError | HFValidationError) for one in chain):
        return "there is no such folder, and no such name on the hub"
    if "trust_remote_code" in str(error):
        return "it needs code that comes with it, which is never run"
    told = " ".join(str(error).split())
    return told if isinstance(error, _REFUSED) else f"its files are damaged: {told}"
