import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from deployer.cli.commands.status import show_status, watch_status
from deployer.cli.options import Format
from deployer.errors import TransientError
from deployer.ports import Readiness, Verdict
from deployer.providers.local.clock import ManualClock
from deployer.release.records import Head

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
SILENT = TransientError("the cluster did not answer in 5 s", operation="get", resource="iris")


class Interrupted(ManualClock):
    """A clock on which somebody presses Ctrl-C in the third wait."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.monotonic() >= 6:
            raise KeyboardInterrupt


def show(session: Any, output_format: Format = Format.TABLE) -> int:
    return show_status(session, output_format, timeout_seconds=20)


def test_all_healthy(two_targets: Maker, capsys: Capture) -> None:
    assert show(two_targets()) == 0
    assert capsys.readouterr().out.splitlines() == [
        "iris: release 42 live, healthy on 2 of 2 targets",
        "",
        "target        release  ready  weight  verdict  seen  label",
        "aws-virginia  42         2/2    60 %  healthy  now   v7",
        "gcp-iowa      42         2/2    40 %  healthy  now   v7",
    ]


def test_a_degraded_target_tells_why(two_targets: Maker, capsys: Capture) -> None:
    waiting = Readiness(Verdict.PROGRESSING, 1, 2, "iris-r42-x is pulling its image")
    assert show(two_targets(readiness=waiting)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "iris: release 42 live, healthy on 1 of 2 targets"
    assert lines[4] == "gcp-iowa      42         1/2    40 %  degraded  now   v7"
    assert lines[6] == (
        "gcp-iowa: degraded: 1 of 2 replicas ready: iris-r42-x is pulling its image"
    )


def test_a_cluster_that_says_nothing_is_shown_as_unknown_never_as_zero(
    two_targets: Maker, capsys: Capture
) -> None:
    session = two_targets({"endpoint": None}, readiness=SILENT, endpoint=SILENT)
    assert show(session) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[4].split()[:3] == ["gcp-iowa", "42", "unknown"]
    assert lines[6] == "gcp-iowa: unknown: the cluster did not answer in 5 s"


def test_a_wanted_release_that_is_not_live_is_told_with_what_to_do(
    open_with: Maker, make_bundle: Maker, make_part: Maker, make_cluster: Maker, capsys: Capture
) -> None:
    head = Head(name="iris", desired=43, live={"aws-virginia": 42})
    bundles = tuple(make_bundle(n, make_part()) for n in (42, 43))
    assert show(open_with({"aws-virginia": make_cluster()}, head, bundles)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[3].split()[1:4] == ["42", "(43", "wanted)"]
    assert lines[-2:] == [
        "aws-virginia: degraded: release 43 is wanted, 42 is live",
        "Next: deployer plan shows what is missing",
    ]


def test_nothing_deployed_is_said_and_is_not_healthy(open_with: Maker, capsys: Capture) -> None:
    assert show(open_with({})) == 3
    assert capsys.readouterr().out == "iris: nothing is deployed\nNext: deployer plan\n"


def test_the_document_has_its_schema_and_the_same_exit_code(
    two_targets: Maker, capsys: Capture
) -> None:
    assert show(two_targets(readiness=SILENT), Format.JSON) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "deployer/status/v1"
    assert (document["name"], document["verdict"], document["exit_code"]) == ("iris", "degraded", 1)
    second = document["targets"][1]
    assert (second["ready"], second["error"]) == (None, "the cluster did not answer in 5 s")
    assert second["seen"] == "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    ("columns", "gone"), [("54", ["label"]), ("46", ["label", "weight"]), ("40", ["seen"])]
)
def test_a_narrow_terminal_drops_columns_and_wraps_none(
    two_targets: Maker,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
    columns: str,
    gone: list[str],
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    show(two_targets())
    lines = capsys.readouterr().out.splitlines()
    assert not set(gone) & set(lines[2].split())
    assert lines[2].split()[:2] == ["target", "release"]
    assert all(len(line) <= int(columns) for line in lines[2:5])


def test_watching_looks_again_every_two_seconds_until_interrupted(
    two_targets: Maker, capsys: Capture, now: datetime
) -> None:
    session = replace(two_targets(), clock=Interrupted(now))
    with pytest.raises(KeyboardInterrupt):
        watch_status(session, Format.TABLE, timeout_seconds=20)
    assert capsys.readouterr().out.count("iris: release 42 live") == 3
