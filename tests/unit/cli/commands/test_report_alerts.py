import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.alerting import open_notifiers
from deployer.cli.app import app
from deployer.cli.commands.exporter import Looker, write_textfile
from deployer.cli.commands.report_alerts import show_alerts
from deployer.cli.options import Format
from deployer.errors import SetupError, SourceError
from deployer.ports import Notice
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.release.records import Span
from deployer.release.state import StateStore
from deployer.spec.model import Spec

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
SPEC = {
    "name": "iris",
    "model": {"path": "model"},
    "targets": [
        {"name": "aws-virginia", "provider": "aws", "store": "s3://acme", "cluster": {"eks": "one"}}
    ],
}


@pytest.fixture
def live(two_targets: Maker) -> Any:
    """Release 42 on two targets since a month ago, and a budget of 100 USD."""

    def open_live(**changes: Any) -> Any:
        opened = two_targets(changes)
        head = opened.state.read_head()
        began = opened.clock.now() - timedelta(days=40)
        spans = tuple(Span(target=it, release=42, began=began) for it in head.live)
        opened.state.write_head(head.model_copy(update={"epoch": 2, "spans": spans}))
        budget = {"monthly": "100 USD", "targets": {"gcp-iowa": {"monthly": "900 USD"}}}
        return replace(opened, spec=Spec.model_validate(SPEC | {"budget": budget}))

    return open_live


def test_the_month_is_shown_with_its_budget_and_its_method(live: Maker, capsys: Capture) -> None:
    """0.3145 an hour on AWS and 0.304236 on Google, 540 h of 720: 169.83 + 164.29 and storage."""
    assert show_alerts(live(), Format.TABLE) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("iris: 33")
    assert lines[0].endswith("forecast; 1 alert")
    assert lines[2].split() == ["of", "so", "far", "forecast", "limit", "used", "state"]
    assert lines[4].split()[-1] == "within"
    assert "exceeded (actual and forecast)" in lines[6]
    text = " ".join(" ".join(lines).split())
    assert "iris has spent its budget of 100.00 USD for 2026-11" in text
    assert "forecast is month to date + mean of the last 7 full days x 7.5 days left" in text


def test_what_is_unknown_has_an_exit_code_of_its_own(live: Maker, capsys: Capture) -> None:
    assert show_alerts(live(cloud="local", region="", machine=""), Format.JSON) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "deployer/alerts/v1"
    assert [it["amount"] is None for it in (it["forecast"] for it in document["targets"])] == [
        False,
        True,
    ]


def test_nothing_live_has_no_forecast(open_with: Maker, capsys: Capture) -> None:
    assert show_alerts(open_with({}), Format.TABLE) == 0
    assert capsys.readouterr().out == "iris: nothing is live, so nothing is forecast\n"


def test_telling_nobody_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text("{}")
    (tmp_path / "deployer.yaml").write_text(json.dumps(SPEC))
    words = ["report", "alerts", "--send", "-f", str(tmp_path / "deployer.yaml")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 4
    assert "the spec names no channel" in result.output


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ({"env": "NOT_THERE"}, "the environment has no NOT_THERE"),
        ({"file": "gone"}, "gone cannot be read: No such file"),
        ({"file": "empty"}, "empty is empty"),
    ],
)
def test_a_secret_that_is_missing_is_named(
    open_with: Maker, tmp_path: Path, secret: dict[str, str], why: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    opened = open_with({})
    alerts = {"webhooks": [{"name": "ops", "url": "https://127.0.0.1/x", "secret": secret}]}
    alerts |= {
        "mails": [
            {"name": "m", "server": "smtp://127.0.0.1", "sender": "a", "to": ["b"]}
            | {"user": "u", "password": {"env": "NOT_THERE"}}
        ]
    }
    spec = Spec.model_validate(SPEC | {"alerts": alerts}).read_from(tmp_path / "deployer.yaml")
    webhook, mail = open_notifiers(spec, probe=opened.probe, clock=opened.clock)
    assert (webhook.channel, mail.channel) == ("ops", "m")
    with pytest.raises(SetupError, match=why):
        webhook.send(Notice("1", "cost-anomaly", "iris", "", "t", "x", opened.clock.now()))


@pytest.mark.parametrize(
    ("alerts", "why"),
    [
        ({"webhooks": [{"name": "ops", "url": {}}]}, "exactly one of env and file"),
        ({"files": [{"name": "a", "path": "x"}] * 2}, "two channels are called 'a'"),
        (
            {
                "mails": [
                    {"name": "m", "server": "smtp://h", "sender": "a", "to": ["b"], "user": "u"}
                ]
            },
            "user and password go together",
        ),
    ],
)
def test_channels_that_cannot_be_are_refused(alerts: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Spec.model_validate(SPEC | {"alerts": alerts})


def test_the_exporters_file_needs_a_place(live: Maker, tmp_path: Path) -> None:
    looker = Looker(live(), timeout_seconds=20)
    with pytest.raises(SourceError, match="the metrics cannot be written: No such file"):
        write_textfile(tmp_path / "gone" / "x.prom", looker)


def test_a_record_that_cannot_be_read_leaves_the_exporter_with_nothing_known(
    live: Maker, capsys: Capture
) -> None:
    opened = live()
    store = FlakyStore(MemoryStore(opened.clock), opened.clock)
    store.down = True
    state = StateStore("iris", [store], opened.clock)
    facts = Looker(replace(opened, state=state), timeout_seconds=20).look()
    assert (facts.health, facts.cost, facts.outlook) == (None, None, None)
    assert "the record cannot be read" in capsys.readouterr().err
