"""penstock schema: what all kinds look like, for editors, for programs that write YAML, and for a cluster.

The JSON Schema holds names, types, defaults and enumerations. `penstock check` knows more: what one field
says about another, and which objects refer to which.
"""

from typing import Any

import click
import msgspec

from proxy.resources.kinds import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""What msgspec writes."""

GENERATED = "# Made from the models of proxy/resources: `penstock schema --crd`. Do not edit.\n"


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


def crd_documents() -> dict[str, str]:
    """Name (`backends.penstock.dev`) to the YAML of its CustomResourceDefinition."""
    from proxy.resources.crd import crds

    return {crd["metadata"]["name"]: GENERATED + msgspec.yaml.encode(crd).decode() for crd in crds()}


@click.command("schema")
@click.option("--crd", is_flag=True, help="Print the CustomResourceDefinitions of the own kinds instead, as YAML.")
def command(crd: bool) -> None:
    """Print one JSON Schema that takes an object of any kind served.

    Editors that know YAML Language Server use it with a first line such as
    `# yaml-language-server: $schema=penstock.schema.json`.
    """
    if crd:
        click.echo("---\n".join(crd_documents().values()), nl=False)
    else:
        click.echo(msgspec.json.format(msgspec.json.encode(schema())).decode())
