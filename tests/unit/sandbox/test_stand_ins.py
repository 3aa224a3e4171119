import subprocess
import sys
from pathlib import Path

import pytest

from deployer.providers.local.clock import SystemClock
from deployer.sandbox.blob_server import start_blob_server
from deployer.sandbox.gcs_server import start_gcs_server
from deployer.sandbox.s3_server import start_s3_server
from deployer.sandbox.stand_ins import make_bucket, stand_in
from deployer.values import Cloud

WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(["anycrc", "google_crc32c", "trustme"]))
from deployer.cli.app import main
sys.argv = ["deployer", "sandbox", "up", "--dir", sys.argv[1]]
main()
"""


def test_without_the_extra_the_way_to_get_it_is_said(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", WITHOUT, tmp_path / "sandbox"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 5, answer.stderr
    assert "anycrc, google_crc32c, trustme" in answer.stderr
    assert "pip install 'deployer[sandbox]'" in answer.stderr
    assert not (tmp_path / "sandbox").exists()


@pytest.mark.parametrize(
    ("cloud", "start"),
    [
        (Cloud.AWS, start_s3_server),
        (Cloud.GCP, start_gcs_server),
        (Cloud.AZURE, start_blob_server),
    ],
)
def test_a_bucket_is_made_once_the_server_answers(cloud: Cloud, start: object) -> None:
    assert callable(start)
    clock = SystemClock()
    server = start()
    there = stand_in(cloud, server.port)
    assert make_bucket(there, clock)
    assert make_bucket(there, clock)
    assert there.endpoint == server.url
    server.close()
    assert not make_bucket(there, clock)
