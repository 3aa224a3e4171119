"""What ``deployer artifacts`` answers: tables for people, documents for programs."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer

from deployer.cli.output import (
    Column,
    format_age,
    format_bytes,
    print_note,
    print_table,
)
from deployer.values import format_count

if TYPE_CHECKING:
    from deployer.upkeep import Collected, Copy, Holding, Mended, Survey, Verdict

__all__ = [
    "describe_collected",
    "describe_holdings",
    "describe_mended",
    "describe_verdict",
    "print_collected",
    "print_holdings",
    "print_mended",
    "print_verdicts",
]


def print_holdings(holdings: "list[Holding]", now: datetime, *, wide: bool) -> None:
    """Print a row for every copy of every artifact."""
    if not holdings:
        print_note("there are no artifacts")
        return
    columns = [
        Column("artifact"),
        Column("store"),
        Column("state"),
        Column("files", right=True, drop=2),
        Column("size", right=True),
        Column("written", drop=3),
        Column("releases", drop=1),
    ]
    rows = [_list_row(one, copy, now) for one in holdings for copy in one.copies]
    print_table(columns, rows, wide=wide)


def print_verdicts(verdicts: "list[Verdict]", *, wide: bool) -> None:
    """Print a row for every copy that was checked."""
    columns = [
        Column("artifact"),
        Column("store"),
        Column("state"),
        Column("size", right=True, drop=1),
        Column("what is wrong"),
    ]
    rows = [
        [
            one.digest.short,
            one.url,
            one.state,
            format_bytes(one.size),
            "; ".join(one.problems[:3]) or "-",
        ]
        for one in verdicts
    ]
    print_table(columns, rows, wide=wide)


def print_mended(mended: "list[Mended]", *, wide: bool) -> None:
    """Print a row for every copy that was to be whole."""
    columns = [Column("artifact"), Column("store"), Column("state"), Column("what was done")]
    rows = [[one.digest.short, one.url, one.state, _what_was_done(one)] for one in mended]
    print_table(columns, rows, wide=wide)


def print_collected(collected: "Collected", *, dry_run: bool) -> None:
    """Print what went from each store, or would."""
    swept = {one.url: one for one in collected.swept}
    for found in collected.found:
        done = swept.get(found.place.store.url)
        count = len(done.artifacts) if done else len(found.artifacts)
        size = done.size if done else found.size
        uploads = done.uploads if done else len(found.uploads)
        verb = "would remove" if dry_run else "removed"
        typer.echo(
            f"{found.place.store.url}: {verb} {format_count(count, 'artifact')} "
            f"({format_bytes(size)}) and {format_count(uploads, 'unfinished upload')}"
        )
        for artifact in found.artifacts:
            typer.echo(f"  {artifact.digest.short}  {format_bytes(artifact.size)}")
        for why in found.kept:
            print_note(f"  kept: {why}")
        for digest in done.spared if done else ():
            print_note(f"  kept: artifact {digest.short} came to be used meanwhile")


def describe_holdings(holdings: "list[Holding]", survey: "Survey") -> dict[str, Any]:
    """Return the artifacts and where they lie as JSON data."""
    return {
        "artifacts": [
            {
                "digest": str(one.digest),
                "releases": [
                    {"name": release.name, "release": release.release} for release in one.releases
                ],
                "copies": [_copy_document(copy) for copy in one.copies],
            }
            for one in holdings
        ],
        "unknown": {**survey.unknown},
    }


def describe_verdict(one: "Verdict") -> dict[str, Any]:
    """Return one copy's check as JSON data."""
    return {
        "digest": str(one.digest),
        "store": one.url,
        "state": one.state,
        "size": one.size,
        "problems": list(one.problems),
    }


def describe_mended(one: "Mended") -> dict[str, Any]:
    """Return one copy's repair as JSON data."""
    repaired = one.repaired
    return {
        "digest": str(one.digest),
        "store": one.url,
        "state": one.state,
        "files": list(repaired.files) if repaired else [],
        "size": repaired.size if repaired else 0,
        "from": list(repaired.sources) if repaired else [],
        "error": one.error.message if one.error else None,
    }


def describe_collected(collected: "Collected") -> dict[str, Any]:
    """Return what was found and what went as JSON data."""
    swept = {one.url: one for one in collected.swept}
    return {
        "stores": [
            {
                "store": found.place.store.url,
                "found": [str(one.digest) for one in found.artifacts],
                "found_size": found.size,
                "found_uploads": [one.key for one in found.uploads],
                "kept": list(found.kept),
                "removed": [str(one) for one in swept[url].artifacts] if url in swept else [],
                "spared": [str(one) for one in swept[url].spared] if url in swept else [],
                "aborted_uploads": swept[url].uploads if url in swept else 0,
            }
            for found in collected.found
            for url in (found.place.store.url,)
        ],
        "unknown": {**collected.unknown},
    }


def _list_row(holding: "Holding", copy: "Copy", now: datetime) -> list[str]:
    stored = copy.stored
    return [
        holding.digest.short,
        copy.url,
        copy.state,
        f"{stored.files:,}" if stored else "-",
        format_bytes(stored.size) if stored else "-",
        format_age(stored.touched, now) if stored and stored.touched else "-",
        ", ".join(f"{one.name} {one.release}" for one in holding.releases) or "none",
    ]


def _what_was_done(one: "Mended") -> str:
    if one.repaired is None:
        return one.error.message if one.error else "-"
    if not one.repaired.changed:
        return "-"
    count, size = format_count(len(one.repaired.files), "file"), format_bytes(one.repaired.size)
    return f"{count}, {size} from {', '.join(one.repaired.sources)}"


def _copy_document(copy: "Copy") -> dict[str, Any]:
    stored = copy.stored
    return {
        "store": copy.url,
        "state": copy.state,
        "expected": copy.expected,
        "files": stored.files if stored else 0,
        "size": stored.size if stored else 0,
        "written": stored.touched.isoformat() if stored and stored.touched else None,
    }
