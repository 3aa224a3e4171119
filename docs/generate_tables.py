"""Write the pages that are made of the tests' own tables: python docs/generate_tables.py.

docs/stand-ins.md says which check which server passes, docs/faults.md what comes of each fault.
"""

import ast
import sys
import tomllib
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
TESTS = DOCS.parent / "tests"
STAND_INS = DOCS / "stand-ins.md"
FAULTS = DOCS / "faults.md"
SERVICES = {
    "s3": ("Amazon S3", ["moto", "ministack"]),
    "gcs": ("Google Cloud Storage", ["fake-gcs-server"]),
    "blob": ("Azure Blob Storage", ["azurite"]),
}
CLOUDS = ["s3", "gcs", "blob"]
STAND_INS_HEAD = """\
# Stand-ins

Written by `python docs/generate_tables.py` from `tests/conformance`; a test keeps it equal.

One suite per service runs through the vendor's own SDK over our servers (`deployer/sandbox`), with
and without TLS, and over those of others. Ours pass every check. A difference named here is
expected: the suite fails when it goes away, and when another one comes.
"""
FAULTS_HEAD = """\
# Faults

Written by `python docs/generate_tables.py` from `tests/faults/table.toml`; a test keeps it equal.

`tests/faults/test_table.py` runs it, row by row and cloud by cloud, with the vendors' SDKs against
our stand-ins. A model of one file in four parts is pushed or pulled while the fault is on. Whatever
the outcome, no wrong byte is accepted, a file that was there before is there after a failure,
nobody sees an artifact that is not whole, and the same command afterwards succeeds.

`each` means: at every part, or range, in turn. `done`: noticed, sent or asked again, and right in
the end.
"""


def generate_stand_ins() -> str:
    """Return the page of conformance."""
    known = tomllib.loads((TESTS / "conformance" / "deviations.toml").read_text(encoding="utf-8"))
    parts = [_service(kind, title, peers, known) for kind, (title, peers) in SERVICES.items()]
    return "\n".join([STAND_INS_HEAD, *parts])


def generate_faults() -> str:
    """Return the page of faults."""
    rows = tomllib.loads((TESTS / "faults" / "table.toml").read_text(encoding="utf-8"))["fault"]
    lines = ["| | fault | where | S3 | GCS | Azure |", "|---|---|---|---|---|---|"]
    lines += [_fault(row) for row in rows]
    return "\n".join([FAULTS_HEAD, *lines, ""])


def _service(kind: str, title: str, peers: list[str], known: dict[str, dict[str, str]]) -> str:
    checks = _checks(kind)
    lines = [f"## {title}", "", f"{len(checks)} checks.", ""]
    for peer in peers:
        lines += _peer(peer, checks, known.get(peer, {}))
    return "\n".join(lines)


def _peer(peer: str, checks: list[str], known: dict[str, str]) -> list[str]:
    differing = {name.partition("[")[0] for name in known}
    count = sum(name in differing for name in checks)
    head = f"### {peer}: {len(checks) - count} of {len(checks)}"
    if not known:
        return [head, "", "No differences.", ""]
    rows = [f"| {_sentence(name)} | {why} |" for name, why in known.items()]
    return [head, "", "| check | what it does instead |", "|---|---|", *rows, ""]


def _checks(kind: str) -> list[str]:
    folder = TESTS / "conformance"
    files = [*folder.glob(f"test_{kind}.py"), *folder.glob(f"{kind}/test_*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in sorted(files)]
    functions = (node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef))
    return [node.name for node in functions if node.name.startswith("test_")]


def _sentence(name: str) -> str:
    check, _, case = name.partition("[")
    words = check.removeprefix("test_").replace("_", " ")
    return f"{words} ({case.rstrip(']')})" if case else words


def _fault(row: dict[str, Any]) -> str:
    places = ", ".join(dict.fromkeys(order["at"] for order in row["orders"]))
    where = f"each {places}" if row.get("each") else places
    clouds = row.get("clouds", CLOUDS)
    cells = [_outcome(row, cloud) if cloud in clouds else "n/a" for cloud in CLOUDS]
    return f"| {row['act']} | {row['name']} | {where} | {' | '.join(cells)} |"


def _outcome(row: dict[str, Any], cloud: str) -> str:
    wanted = row["outcome"]
    return str(wanted if isinstance(wanted, str) else wanted[cloud])


if __name__ == "__main__":
    STAND_INS.write_text(generate_stand_ins(), encoding="utf-8")
    FAULTS.write_text(generate_faults(), encoding="utf-8")
    sys.stderr.write(f"wrote {STAND_INS} and {FAULTS}\n")
