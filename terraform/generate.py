"""Write what is generated: each module's machines.tf and README.md: python terraform/generate.py.

machines.tf is what the price book knows of GPU machines; a README's tables are the module's own
variables and outputs. A test keeps both equal to what this would write.
"""

import csv
import re
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hcl2

HERE = Path(__file__).parent
BOOK = HERE.parent / "deployer" / "providers" / "book" / "book.csv"
CLOUDS = ("aws", "gcp", "azure")
MARK = "<!-- written by terraform/generate.py from here on -->"


def generate_all() -> dict[Path, str]:
    """Return every generated file with its text."""
    files = {HERE / "modules" / cloud / "machines.tf": _machines(cloud) for cloud in CLOUDS}
    modules = [HERE / "modules" / cloud for cloud in CLOUDS]
    for folder in [*modules, *sorted(HERE.glob("envs/*/variables.tf"))]:
        module = folder if folder.is_dir() else folder.parent
        files[module / "README.md"] = _readme(module)
    return files


def _machines(cloud: str) -> str:
    """Return the regions that the book has machines of, and where it knows each with GPUs."""
    offered: dict[str, set[str]] = defaultdict(set)
    regions: set[str] = set()
    with BOOK.open(newline="") as book:
        for row in csv.DictReader(book):
            if (row["cloud"], row["kind"], row["option"]) == (cloud, "instance", "on-demand"):
                regions.add(row["region"])
                if int(row["gpus"] or 0):
                    offered[row["sku"]].add(row["region"])
    width = max(len(sku) for sku in offered) + 2
    lines = [f"    {_quote(sku).ljust(width)} = {_list(offered[sku])}" for sku in sorted(offered)]
    return "\n".join(
        [
            "# Written by terraform/generate.py from the price book.",
            "",
            "locals {",
            "  # Of these regions the book knows machines; of others it can say nothing.",
            f"  gpu_regions = {_list(regions)}",
            "",
            "  gpu_machines = {",
            *lines,
            "  }",
            "}",
            "",
        ]
    )


def _quote(text: str) -> str:
    return f'"{text}"'


def _list(names: set[str]) -> str:
    return f"[{', '.join(map(_quote, sorted(names)))}]"


def _readme(module: Path) -> str:
    """Return the README: what is written by hand above the mark, the tables below it."""
    path = module / "README.md"
    head = path.read_text().partition(MARK)[0] if path.exists() else f"# {module.name}\n\n"
    parts = [f"{head}{MARK}", "", "## Variables", "", *_variables(module)]
    return "\n".join([*parts, "", "## Outputs", "", *_outputs(module), ""])


def _variables(module: Path) -> Iterator[str]:
    yield "| name | type | default | what it is |"
    yield "|---|---|---|---|"
    for name, body in sorted(_blocks(module, "variable")):
        default = f"`{_text(body['default'], quoted=True)}`" if "default" in body else "required"
        of_type = _text(body.get("type", "any"))
        yield f"| `{name}` | `{of_type}` | {default} | {_text(body['description'])} |"


def _outputs(module: Path) -> Iterator[str]:
    yield "| name | what it is |"
    yield "|---|---|"
    for name, body in sorted(_blocks(module, "output")):
        yield f"| `{name}` | {_text(body['description'])} |"


def _blocks(module: Path, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file in sorted(module.glob("*.tf")):
        text = file.read_text()
        if f'\n{kind} "' in f"\n{text}":  # parsing is slow
            for block in hcl2.loads(text).get(kind, []):
                for name, body in block.items():
                    yield name.strip('"'), body


def _text(value: Any, *, quoted: bool = False) -> str:
    """Return a value as HCL in one line, fit for a table's cell."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(_text(item, quoted=True) for item in value)}]"
    if isinstance(value, dict):
        pairs = (
            f"{key} = {_text(item, quoted=True)}"
            for key, item in value.items()
            if key != "__is_block__"
        )
        return f"{{{', '.join(pairs)}}}"
    if str(value).startswith('"') and quoted:
        return str(value)
    text = re.sub(r"^\$\{(.*)\}$", r"\1", str(value), flags=re.DOTALL).strip('"')
    return re.sub(r"\s+", " ", textwrap.dedent(text)).replace("|", "\\|").replace('\\"', '"')


if __name__ == "__main__":
    for path, text in generate_all().items():
        path.write_text(text)
        sys.stderr.write(f"wrote {path.relative_to(HERE.parent)}\n")
