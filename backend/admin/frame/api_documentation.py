"""The API's documentation: the OpenAPI document as a page, without any script."""

from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

api_documentation = Blueprint("api_documentation", __name__)

DOCUMENT = "goldloop.openapi"  # the extension in which the API keeps its document


@api_documentation.get("/api")
def show() -> ResponseReturnValue:
    """Every operation by noun: what it takes, what it answers, and the scope it needs."""
    document: dict[str, Any] = current_app.extensions[DOCUMENT]
    by_tag: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            operation = {**told, "method": method.upper(), "path": path}
            by_tag[told["tags"][0]].append(operation)
    schemas = document["components"]["schemas"]
    return render_template(
        "api.html", by_tag=by_tag, schemas=schemas, root=document["servers"][0]["url"], kind=kind
    )


def kind(schema: dict[str, Any]) -> str:
    """A schema in a few words: `integer`, `list of Run`, `one of a, b`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if options := schema.get("anyOf"):
        return " | ".join(kind(one) for one in options)
    if schema.get("type") == "array":
        return f"[{kind(schema.get('items', {}))}]"
    if isinstance(more := schema.get("additionalProperties"), dict):
        return f"{{string: {kind(more)}}}"
    return str(schema.get("format") or schema.get("type") or "any")
