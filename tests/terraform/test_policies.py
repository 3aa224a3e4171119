"""Checkov's policies over the modules: all hold, or stand in a list with a reason."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.toolchain import cache_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2] / "terraform"
SKIPS = ROOT / ".checkov.yaml"


def test_every_policy_that_is_skipped_has_its_reason() -> None:
    lines = [line for line in SKIPS.read_text().splitlines() if line.startswith("  - ")]
    assert len(lines) > 10
    for line in lines:
        assert len(line.partition(" # ")[2]) > 20, line


UNSAFE = {
    "CKV_AWS_53": ("aws", "block_public_acls       = true", "block_public_acls       = false"),
    "CKV_AWS_7": ("aws", "enable_key_rotation     = true", "enable_key_rotation     = false"),
    "CKV_GCP_114": ("gcp", '"enforced"', '"inherited"'),
    "CKV_GCP_29": (
        "gcp",
        "uniform_bucket_level_access = true",
        "uniform_bucket_level_access = false",
    ),
    "CKV_AZURE_44": ("azure", '"TLS1_2"', '"TLS1_0"'),
}
"""By the policy that finds it: a change of a store that makes it unsafe."""


def test_every_other_policy_holds() -> None:
    found = check_policies(ROOT / "modules")
    failed = [f"{c['check_id']} {c['resource']}" for c in found["results"]["failed_checks"]]
    assert failed == []
    assert found["summary"]["passed"] > 100
    assert found["summary"]["parsing_errors"] == 0


def test_a_store_made_unsafe_is_found(tmp_path: Path) -> None:
    modules = Path(shutil.copytree(ROOT / "modules", tmp_path / "modules"))
    for cloud, safe, unsafe in UNSAFE.values():
        file = modules / cloud / "store.tf"
        assert safe in file.read_text()
        file.write_text(file.read_text().replace(safe, unsafe))
    failed = check_policies(modules)["results"]["failed_checks"]
    assert {check["check_id"] for check in failed} >= UNSAFE.keys()


def check_policies(modules: Path) -> Any:
    """Return what checkov says of a folder of modules."""
    program = cache_folder() / "checkov" / "bin" / "checkov"
    if not program.exists():
        pytest.skip("needs checkov: python tests/terraform/toolchain.py checkov")
    words = ["--skip-download", "--compact", "--quiet", "--output", "json"]
    done = subprocess.run(
        [program, "--config-file", SKIPS, "--directory", modules, *words],
        env={**os.environ, "BC_SKIP_MAPPING": "TRUE"},
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    return json.loads(done.stdout)
