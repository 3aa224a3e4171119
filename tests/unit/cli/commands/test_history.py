import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from deployer.cli.commands.history import show_history, show_release
from deployer.cli.options import Format
from deployer.errors import NotFoundError
from deployer.release.records import Head, Mark, PriceRecord

Maker = Callable[..., Any]
TARGETS = """\
target        place          namespace  workload  replicas  each asks for  machine        hourly
aws-virginia  aws us-east-1  models     iris-r44         2  1 cpu, 1Gi     m6i.xlarge  0.192 USD
"""
Capture = pytest.CaptureFixture[str]
PRICE = PriceRecord(sku="m6i.xlarge", amount=Decimal("0.192"), source="a list", as_of="2026-07-01")


@pytest.fixture
def three_releases(
    open_with: Maker, make_bundle: Maker, make_part: Maker, make_cluster: Maker, now: datetime
) -> Any:
    """Return a session with 42 verified, 43 live, 44 refused."""
    marks = {
        42: Mark(verified=now),
        43: Mark(verified=now),
        44: Mark(quarantined="smoke: 3 of 10 answers", verdicts={"smoke": "failed: 3 of 10"}),
    }
    head = Head(name="iris", desired=43, live={"aws-virginia": 43}, marks=marks)
    bundles = tuple(
        make_bundle(n, make_part(prices=(PRICE,), workload=f"iris-r{n}"), label=f"v{n - 40}")
        for n in (42, 43, 44)
    )
    return open_with({"aws-virginia": make_cluster()}, head, bundles)


def test_history_is_a_table_newest_first(three_releases: Any, capsys: Capture) -> None:
    show_history(three_releases, Format.TABLE, last=20)
    assert capsys.readouterr().out.splitlines() == [
        "iris: every release, newest first",
        "",
        "release  created      by           artifact      label  state        live on",
        "     44  6 d 2 h ago  ada@build-7  abababababab  v4     quarantined  -",
        "     43  6 d 2 h ago  ada@build-7  abababababab  v3     live         aws-virginia",
        "     42  6 d 2 h ago  ada@build-7  abababababab  v2     verified     -",
        "",
        "release 44 is quarantined: smoke: 3 of 10 answers",
    ]


def test_only_the_last_ones_are_listed_when_asked(three_releases: Any, capsys: Capture) -> None:
    show_history(three_releases, Format.WIDE, last=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "iris: the last 2 releases of 3, newest first"
    assert "sha256:" + "ab" * 32 in lines[3]
    assert len(lines) == 7


def test_no_release_yet_is_said(open_with: Maker, capsys: Capture) -> None:
    show_history(open_with({}), Format.TABLE, last=20)
    assert capsys.readouterr().out == "iris: no release yet\nNext: deployer plan\n"


def test_the_history_document_has_its_schema(three_releases: Any, capsys: Capture) -> None:
    show_history(three_releases, Format.JSON, last=20)
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "deployer/history/v1"
    assert [release["state"] for release in document["releases"]] == [
        "quarantined",
        "live",
        "verified",
    ]


def test_one_release_is_shown_in_full(three_releases: Any, capsys: Capture) -> None:
    show_release(three_releases, 44, Format.TABLE)
    assert capsys.readouterr().out.splitlines() == [
        "iris: release 44, quarantined",
        "",
        "created     6 d 2 h ago by ada@build-7 with deployer 0.1.0",
        "label       v4",
        f"artifact    sha256:{'ab' * 32}, 50.0 GiB in 3 files",
        f"content     sha256:{'cd' * 32}",
        "verified    never",
        "quarantined smoke: 3 of 10 answers",
        "  smoke     failed: 3 of 10",
        "",
        *TARGETS.splitlines(),
    ]


def test_the_release_document_holds_the_whole_bundle(three_releases: Any, capsys: Capture) -> None:
    show_release(three_releases, 43, Format.JSON)
    document = json.loads(capsys.readouterr().out)
    assert (document["schema"], document["number"]) == ("deployer/release/v1", 43)
    assert document["live_on"] == ["aws-virginia"]
    assert document["bundle"]["schema"] == 1
    assert document["bundle"]["targets"][0]["workload"] == "iris-r43"


def test_a_release_that_is_not_there_is_an_error(three_releases: Any) -> None:
    with pytest.raises(NotFoundError, match="iris has no release 7"):
        show_release(three_releases, 7, Format.TABLE)


def test_gpus_are_shown_where_there_are_some(
    open_with: Maker, make_bundle: Maker, make_part: Maker, capsys: Capture
) -> None:
    bundle = make_bundle(1, make_part(gpu=1))
    show_release(open_with({}, None, (bundle,)), 1, Format.TABLE)
    assert "1 cpu, 1Gi, 1 gpu" in capsys.readouterr().out
