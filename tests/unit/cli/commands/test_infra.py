import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deployer.cli.app import app

PLAN = {
    "format_version": "1.2",
    "planned_values": {
        "root_module": {
            "resources": [
                {
                    "address": "aws_nat_gateway.this",
                    "mode": "managed",
                    "type": "aws_nat_gateway",
                    "values": {"region": "us-east-1"},
                },
                {
                    "address": "aws_eip.nat",
                    "mode": "managed",
                    "type": "aws_eip",
                    "values": {"region": "us-east-1"},
                },
                {
                    "address": "aws_vpc.this",
                    "mode": "managed",
                    "type": "aws_vpc",
                    "values": {"region": "us-east-1"},
                },
            ]
        }
    },
}
TARGET = {
    "name": "aws-us-east-1",
    "provider": "aws",
    "region": "us-east-1",
    "store": {"url": "s3://models", "endpoint": None},
    "cluster": {"eks": "models", "gke": None},
    "namespace": "default",
    "machine": "m6i.large",
    "deployments": ["iris"],
    "annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/models-pull"},
}


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def write(name: str, document: Any) -> str:
    Path(name).write_text(json.dumps(document))
    return name


def test_a_plan_is_priced_line_by_line(runner: CliRunner) -> None:
    shown = runner.invoke(app, ["infra", "cost", write("plan.json", PLAN)])
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0] == "32.85 + unknown USD a month for 2 resources (a partial estimate)"
    assert any(line.split()[:1] == ["aws_eip.nat"] and "unknown" in line for line in lines)
    assert any("unknown (1 x): no price for ipv4_hour" in line for line in lines)
    assert "of no cost by themselves: 1 resource" in shown.stdout


def test_a_plan_s_price_is_a_document(runner: CliRunner) -> None:
    shown = runner.invoke(app, ["infra", "cost", write("plan.json", PLAN), "-o", "json"])
    found = json.loads(shown.stdout)
    assert found["schema"] == "deployer/infrastructure/v1"
    assert found["total"] == {"monthly": "32.850000", "currency": "USD", "partial": True}
    assert [item["address"] for item in found["resources"]] == [
        "aws_eip.nat",
        "aws_nat_gateway.this",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [("no json", "is not JSON"), ("{}", "no plan of Terraform's"), (None, "cannot read")],
)
def test_what_is_no_plan_is_bad_input(runner: CliRunner, text: str | None, words: str) -> None:
    if text is not None:
        Path("plan.json").write_text(text)
    shown = runner.invoke(app, ["infra", "cost", "plan.json"])
    assert shown.exit_code == 4
    assert words in shown.stderr


def test_a_spec_is_written_from_terraform_s_outputs(runner: CliRunner) -> None:
    outputs = write("terraform.json", {"targets": {"value": [TARGET]}})
    written = runner.invoke(app, ["init", "--from-terraform", outputs])
    assert written.exit_code == 0
    assert "say where the model is" in written.stderr
    assert "name: iris\n" in Path("deployer.yaml").read_text()
    assert "role/models-pull" in Path("identity.yaml").read_text()


def test_clouds_and_terraform_do_not_go_together(runner: CliRunner) -> None:
    outputs = write("terraform.json", {"targets": {"value": [TARGET]}})
    assert runner.invoke(app, ["init", "aws", "--from-terraform", outputs]).exit_code == 4


def test_a_name_that_terraform_did_not_prepare_is_refused(runner: CliRunner) -> None:
    outputs = write("terraform.json", {"targets": {"value": [TARGET]}})
    refused = runner.invoke(app, ["init", "--from-terraform", outputs, "--name", "wine"])
    assert refused.exit_code == 4
    assert "Terraform prepared: iris" in refused.stderr
