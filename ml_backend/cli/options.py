"""`goldloop tagger options`: every option of a training, as a file to begin from."""

import textwrap

import click
import yaml

from ml_backend.contract.training_config import TrainingConfig


@click.command()
def options() -> None:
    """Every option with its default and what it does, as YAML for --config."""
    schema = TrainingConfig.model_json_schema()["properties"]
    for name, default in TrainingConfig().to_dict().items():
        field = schema[name]
        choices = field.get("enum")
        said = [field.get("description", ""), f"one of {', '.join(choices)}" if choices else ""]
        comment = "; ".join(part for part in said if part)
        if comment:
            click.echo(textwrap.indent(textwrap.fill(comment, 90), "# "))
        click.echo(yaml.safe_dump({name: default}, allow_unicode=True).strip())
