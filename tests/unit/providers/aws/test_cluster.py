import base64
import json
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto.eks.models import eks_backends
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from deployer.cli.app import app
from deployer.errors import NotFoundError, SetupError
from deployer.providers.aws.cluster import find_cluster
from deployer.providers.aws.token import make_tokens, open_aws
from deployer.providers.kube.connect import connect_cluster, connect_found
from deployer.providers.local.clock import ManualClock, SystemClock

REGION = "eu-west-1"
SPEC = """\
name: iris
model: {path: ./model}
targets:
  - name: aws
    provider: aws
    region: eu-west-1
    store: s3://acme
    cluster: {eks: prod}
    namespace: models
"""


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """AWS as moto plays it, in this process, so that a cluster's endpoint can be replaced."""
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    yield f"http://{host}:{port}"
    eks_backends["123456789012"][REGION].reset()
    server.stop()


def create_cluster(name: str, endpoint: str, authority: str) -> None:
    client: Any = boto3.Session().client("eks", region_name=REGION)
    client.create_cluster(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]},
    )
    client.close()
    made = eks_backends["123456789012"][REGION].clusters[name]
    made.endpoint = endpoint
    made.certificate_authority = {"data": base64.b64encode(authority.encode()).decode()}


def test_an_eks_cluster_is_found_trusted_by_its_own_ca_and_logged_in_to(
    moto: str, tls_server: Any, say: Any
) -> None:
    create_cluster("prod", tls_server.url, tls_server.authority)
    tls_server.answer = lambda _asked: say({"gitVersion": "v1.36.3-eks-1"})
    cluster = connect_found(
        lambda: find_cluster("prod", region=REGION, clock=SystemClock()),
        name="prod",
        namespace="models",
        clock=SystemClock(),
    )
    assert cluster.describe().version == "v1.36.3-eks-1"
    (asked,) = tls_server.asked
    url = decode(asked.token)
    question = parse_qs(urlsplit(url).query)
    assert url.startswith(moto)
    assert question["Action"] == ["GetCallerIdentity"]
    assert question["X-Amz-Expires"] == ["60"]
    assert question["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert f"/{REGION}/sts/" in question["X-Amz-Credential"][0]


@pytest.mark.usefixtures("moto")
def test_a_token_is_said_to_end_before_the_cluster_stops_taking_it() -> None:
    create_cluster("prod", "https://127.0.0.1:9", "CA")
    clock = ManualClock()
    token = find_cluster("prod", region=REGION, clock=clock).tokens()
    assert token.expires == clock.now() + timedelta(minutes=14)
    assert token.value not in repr(token)


def test_the_token_service_is_the_regions_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    tokens = make_tokens(
        "prod", session=lambda: open_aws(REGION), region=REGION, clock=SystemClock()
    )
    assert decode(tokens().value).startswith(f"https://sts.{REGION}.amazonaws.com/?Action=")


@pytest.mark.usefixtures("moto")
def test_a_role_is_taken_on_first() -> None:
    create_cluster("prod", "https://127.0.0.1:9", "CA")
    role = "arn:aws:iam::123456789012:role/deployer"
    token = find_cluster("prod", region=REGION, clock=SystemClock(), role=role).tokens()
    assert "X-Amz-Security-Token=" in decode(token.value)


@pytest.mark.usefixtures("moto")
def test_a_cluster_that_is_not_there_is_named_with_its_region() -> None:
    with pytest.raises(NotFoundError, match="EKS cluster prod in eu-west-1"):
        find_cluster("prod", region=REGION, clock=SystemClock())


@pytest.mark.usefixtures("moto")
def test_a_cluster_that_is_still_being_made_cannot_be_connected_to() -> None:
    create_cluster("prod", "", "")
    with pytest.raises(SetupError, match="no endpoint"):
        find_cluster("prod", region=REGION, clock=SystemClock())


def decode(token: str) -> str:
    assert token.startswith("k8s-aws-v1.")
    text = token.removeprefix("k8s-aws-v1.")
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


@pytest.mark.usefixtures("moto")
def test_a_kubeconfig_that_was_written_logs_in_by_calling_us(
    tls_server: Any, say: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_cluster("prod", tls_server.url, tls_server.authority)
    tls_server.answer = lambda _asked: say({"gitVersion": "v1.36.3"})
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    (tmp_path / "deployer.yaml").write_text(SPEC)
    ran = CliRunner().invoke(app, ["kubeconfig", "-f", str(tmp_path / "deployer.yaml")])
    assert ran.exit_code == 0, ran.output
    assert "Next: kubectl --context deployer-aws get pods" in ran.stdout
    cluster = connect_cluster(
        namespace="models", clock=SystemClock(), context="deployer-aws", kubeconfig=None
    )
    assert cluster.describe().version == "v1.36.3"
    assert "x-k8s-aws-id" in decode(tls_server.asked[0].token)


def test_a_token_is_printed_in_the_version_that_was_asked_for(
    moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["token", "--eks", "prod", "--region", REGION]
    first = json.loads(CliRunner().invoke(app, words).stdout)
    assert first["apiVersion"] == "client.authentication.k8s.io/v1"
    assert decode(first["status"]["token"]).startswith(moto)
    assert first["status"]["expirationTimestamp"].endswith("Z")
    for version, code in (("v1beta1", 0), ("v1alpha1", 5)):
        asked = {"apiVersion": f"client.authentication.k8s.io/{version}"}
        monkeypatch.setenv("KUBERNETES_EXEC_INFO", json.dumps(asked))
        ran = CliRunner().invoke(app, words)
        assert ran.exit_code == code, ran.output
    assert CliRunner().invoke(app, ["token"]).exit_code == 4
