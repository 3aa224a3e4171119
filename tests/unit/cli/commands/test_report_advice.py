import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.artifact import Place
from deployer.cli.app import app
from deployer.cli.commands.report_advice import show_advice
from deployer.cli.options import Format
from deployer.cost.advice.advice import Rules
from deployer.cost.samples import Sample, append_samples
from deployer.cost.sizing import Size
from deployer.providers.local.clock import ManualClock
from deployer.providers.local.faults import FlakyStore
from deployer.providers.local.memory import MemoryStore
from deployer.release.state import StateStore
from deployer.upkeep import Upkeep

Maker = Callable[..., Any]
Capture = pytest.CaptureFixture[str]
RULES = Rules(load_seconds=Decimal(20))


@pytest.fixture
def samples(tmp_path: Path, now: Any) -> Path:
    """Two weeks of looks at a target whose replicas use a tenth of what they ask for."""
    used = Size(Decimal("0.2"), Decimal("0.2"))
    looks = [
        Sample(now - timedelta(hours=n), "aws-virginia", 2, used=used, predictions=5000 - n)
        for n in range(14 * 24, 0, -1)
    ]
    file = tmp_path / "samples.csv"
    append_samples(file, looks)
    return file


@pytest.fixture
def upkeep(now: Any) -> Upkeep:
    """Two stores: one holds an artifact of 50 GB that no release refers to, one is away."""
    clock = ManualClock(now)
    old, away = (
        MemoryStore(clock, "s3://acme-models"),
        FlakyStore(MemoryStore(clock, "gs://x"), clock),
    )
    old.put(f"artifacts/sha256/{'ef' * 32}/files/model", b"m" * 1000)
    away.down = True
    states = [MemoryStore(clock) for _ in range(3)]
    return Upkeep(
        places={"s3://acme-models": Place(old, None), "gs://x": Place(away, None)},
        state_stores=states,
        state=StateStore("iris", states, clock),
        lease_seconds=60,
        clock=clock,
    )


def test_advice_is_ranked_counted_once_and_says_what_would_change_it(
    two_targets: Maker, samples: Path, upkeep: Upkeep, capsys: Capture
) -> None:
    opened = two_targets({"region": "europe-west4"})
    show_advice(opened, Format.TABLE, RULES, samples=samples, upkeep=upkeep, timeout_seconds=20)
    lines = capsys.readouterr().out.splitlines()
    assert "a month could be saved by" in lines[0]
    head = lines[2].split()
    assert head[:3] == ["advice", "target", "saves"]
    text = " ".join(" ".join(lines).split())
    assert "right-size" in text
    assert "no: or" in text
    assert "ask for cpu 150m and memory 128Mi a replica" in text
    assert "would change it: peaks between two looks" in text
    assert "gs://x: unknown: " in text
    assert all(len(line) <= 100 for line in lines)


def test_the_document_names_what_is_not_advised_too(
    two_targets: Maker, upkeep: Upkeep, capsys: Capture
) -> None:
    show_advice(two_targets(), Format.JSON, upkeep=upkeep, timeout_seconds=20)
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "deployer/advice/v1"
    reasons = {(it["kind"], it["target"]): it["reason"] for it in document["not_advised"]}
    assert "--load-seconds" in reasons["spot", "aws-virginia"]
    assert "use was seen 0 times" in reasons["right-size", "gcp-iowa"]
    assert document["unknown_stores"] == {"gs://x": document["unknown_stores"]["gs://x"]}
    assert reasons["old-artifacts", "s3://acme-models"].endswith("less than a cent a month")


def test_nothing_to_advise_is_said_with_its_reasons(open_with: Maker, capsys: Capture) -> None:
    show_advice(open_with({}), Format.TABLE, timeout_seconds=20)
    assert capsys.readouterr().out.splitlines()[0] == "iris: nothing is advised"


def test_stores_that_cannot_be_read_are_told_and_the_rest_is_advised(
    two_targets: Maker, upkeep: Upkeep, capsys: Capture
) -> None:
    for store in upkeep.state_stores:
        store.put("deployer/iris/releases/000001.json", b"{}")
    show_advice(two_targets(), Format.TABLE, RULES, upkeep=upkeep, timeout_seconds=20)
    shown = capsys.readouterr()
    assert "nothing is said of the stores" in shown.err
    assert "spot" in shown.out


def test_the_command_takes_its_rules(tmp_path: Path) -> None:
    spec = {
        "name": "iris",
        "model": {"path": "model"},
        "targets": [
            {
                "name": "here",
                "provider": "local",
                "store": (tmp_path / "store").as_uri(),
                "cluster": {"local": "c"},
            }
        ],
    }
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text("{}")
    (tmp_path / "store").mkdir()
    (tmp_path / "deployer.yaml").write_text(json.dumps(spec))
    words = ["report", "advice", "-f", str(tmp_path / "deployer.yaml"), "--headroom", "30"]
    result = CliRunner().invoke(app, [*words, "--load-seconds", "20", "--fallback", "10"])
    assert result.exit_code == 0, result.output
    assert "p95 of cpu, the most of memory, 30 % headroom" in " ".join(result.output.split())
