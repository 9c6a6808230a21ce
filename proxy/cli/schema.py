"""penstock schema: the JSON Schema of all kinds, for editors and for those who write YAML by program.

It holds names, types, defaults and enumerations. `penstock check` knows more: what one field says
about another, and which objects refer to which.
"""

from typing import Any

import click
import msgspec

from proxy.resources.kinds import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""What msgspec writes."""


def schema() -> dict[str, Any]:
    """One schema that takes any one object of any kind served."""
    models = [kind.model for kind in KINDS.values()]
    one_of, definitions = msgspec.json.schema_components(models, ref_template="#/$defs/{name}")
    for (group, name), kind in KINDS.items():
        api_versions = [f"{group}/{version}" if group else version for version in kind.versions]
        definitions[kind.model.__name__]["properties"] |= {
            "apiVersion": {"enum": api_versions},
            "kind": {"const": name},
        }
    return {"$schema": DIALECT, "title": "What Penstock reads", "oneOf": list(one_of), "$defs": definitions}


@click.command("schema")
def command() -> None:
    """Print one JSON Schema that takes an object of any kind served.

    Editors that know YAML Language Server use it with a first line such as
    `# yaml-language-server: $schema=penstock.schema.json`.
    """
    click.echo(msgspec.json.format(msgspec.json.encode(schema())).decode())
