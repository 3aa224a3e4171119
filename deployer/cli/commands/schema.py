"""``deployer schema``: the spec's JSON Schema."""

import typer

__all__ = ["schema"]


def schema() -> None:
    """Print the JSON Schema of deployer.yaml, for editors and checks.

    Example: deployer schema > deployer.schema.json
    """
    import json

    from deployer.spec.schema import spec_schema

    typer.echo(json.dumps(spec_schema(), indent=2, ensure_ascii=False))
