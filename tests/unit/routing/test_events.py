import json
from pathlib import Path

from deployer.providers.local.clock import ManualClock
from deployer.routing.events import KEPT, EventLog, Kind, describe_shift


def make_log(told: list[str], file: Path | None = None) -> EventLog:
    return EventLog(ManualClock(), boot="b1", tell=told.append, file=file)


def test_an_event_is_told_and_kept_with_its_cause_and_effect() -> None:
    told: list[str] = []
    log = make_log(told)
    log.add(
        Kind.STATE, "aws/3", "healthy -> down", cause="refused", effect="all to gcp", by="active"
    )
    assert told == ["aws/3: healthy -> down (refused); all to gcp"]
    (event,) = log.list_after(0)
    assert event.to_json() == {
        "boot": "b1",
        "seq": 1,
        "at": "2026-01-01T00:00:00.000Z",
        "kind": "state",
        "subject": "aws/3",
        "change": "healthy -> down",
        "cause": "refused",
        "effect": "all to gcp",
        "by": "active",
    }


def test_who_has_read_some_gets_the_rest_and_the_oldest_go() -> None:
    log = make_log([])
    for number in range(KEPT + 5):
        log.add(Kind.ROUTES, "routes", f"epoch {number}")
    assert [event.change for event in log.list_after(KEPT + 3)] == [
        f"epoch {KEPT + 3}",
        f"epoch {KEPT + 4}",
    ]
    assert len(log.list_after(0)) == KEPT
    assert [event.seq for event in log.list_last(2)] == [KEPT + 4, KEPT + 5]


def test_a_file_gets_each_event_once_and_keeps_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("{}\n")
    log = make_log([], file)
    for change in ("drained", "restored"):
        log.add(Kind.ORDER, "aws", change)
        log.flush()
        log.flush()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line.get("change") for line in lines] == [None, "drained", "restored"]


def test_a_file_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path: Path) -> None:
    told: list[str] = []
    log = make_log(told, tmp_path / "missing" / "events.jsonl")
    for _ in range(2):
        log.add(Kind.ORDER, "aws", "drained")
        log.flush()
    assert sum("can't be written: No such file" in line for line in told) == 1
    assert len(log.list_after(0)) == 2


def test_a_shift_names_only_what_moved() -> None:
    before = {"aws/1": 0.6, "gcp/1": 0.3, "azure/1": 0.1}
    after = {"aws/1": 0.0, "gcp/1": 0.9, "azure/1": 0.1}
    assert describe_shift(before, after) == "new requests: aws/1 60 -> 0 %, gcp/1 30 -> 90 %"
    assert describe_shift(before, before) == ""
    assert describe_shift({}, {"aws/1": 1.0}) == "new requests: aws/1 0 -> 100 %"


def test_the_end_of_all_shares_is_said_as_such() -> None:
    assert describe_shift({"aws/1": 1.0}, {"aws/1": 0.0}) == "nothing is usable"
    assert describe_shift({"aws/1": 0.0}, {"aws/1": 0.0}) == ""
