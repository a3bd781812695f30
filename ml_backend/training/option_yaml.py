"""YAML as a configuration of options is written: 1e-3 is a number, and no name stands twice.

PyYAML reads YAML 1.1, to which 1e-3 is text and the last of two equal names the one that counts.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from ml_backend.contract.training_config import TrainingConfig, TrainingConfigError

_WITH_EXPONENT = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)[eE][-+]?\d+$")


class _OptionLoader(yaml.SafeLoader):
    """Safe: plain values, lists and mappings only."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{key.value} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_OptionLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", _WITH_EXPONENT, list("-+.0123456789")
)


def read_yaml(text: str) -> Any:
    """What the text says; raises yaml.YAMLError."""
    return yaml.load(text, _OptionLoader)  # noqa: S506 (it is a safe loader)


def read_options(path: Path, replaced: dict[str, Any] | None = None) -> TrainingConfig:
    """Read a YAML file of options, some replaced; raises TrainingConfigError."""
    try:
        record = read_yaml(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainingConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(record, dict) or not all(isinstance(name, str) for name in record):
        raise TrainingConfigError(f"{path} must hold options, as in `epochs: 10`")
    return TrainingConfig.from_dict(record | (replaced or {}))


def write_options(config: TrainingConfig, path: Path) -> None:
    """Write every option as YAML, which `read_options` reads."""
    text = yaml.safe_dump(config.to_dict(), allow_unicode=True, sort_keys=False)
    path.write_text(text, "utf-8")
