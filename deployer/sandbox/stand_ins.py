"""The three stand-in stores as programs: how each is started, reached, and given its bucket."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import format_datetime
from http import HTTPStatus
from importlib.util import find_spec
from urllib.parse import urlsplit

import urllib3

from deployer.errors import SetupError
from deployer.ports.clock import Clock
from deployer.sandbox.blob.account import DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY
from deployer.sandbox.blob.signature import SharedKey
from deployer.sandbox.loopback import Request
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3.signature import SignatureV4
from deployer.values import Cloud, canonical_json

__all__ = ["BUCKET", "StandIn", "check_extra", "make_bucket", "stand_in"]

BUCKET = "deployer-sandbox"
_NEEDED = ("anycrc", "google_crc32c", "trustme")
_THERE = (HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.CONFLICT)
_PATIENCE = urllib3.Timeout(connect=1.0, read=5.0)


@dataclass(frozen=True, slots=True)
class StandIn:
    """One cloud's store on a port: its program, its address, and what clients must know."""

    cloud: Cloud
    port: int
    command: tuple[str, ...]
    endpoint: str
    store: str
    environment: Mapping[str, str]


def stand_in(cloud: Cloud, port: int) -> StandIn:
    """Return the stand-in of ``cloud`` on ``port``."""
    program, endpoint, store, environment = {
        Cloud.AWS: _aws,
        Cloud.GCP: _gcp,
        Cloud.AZURE: _azure,
    }[cloud](port)
    command = (sys.executable, "-m", *program)
    return StandIn(cloud, port, command, endpoint, store, environment)


def check_extra() -> None:
    """Refuse to go on without the servers' packages.

    Raises:
        SetupError: One is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise SetupError(
            f"the sandbox needs packages that are not installed: {', '.join(missing)}",
            hint="pip install 'deployer[sandbox]'",
        )


def make_bucket(server: StandIn, clock: Clock) -> bool:
    """Make the bucket unless it is there; False while the server does not answer."""
    method, path, body, headers = _bucket_request(server, clock)
    url = f"http://127.0.0.1:{server.port}{path}"
    with urllib3.PoolManager(retries=False, timeout=_PATIENCE) as http:
        try:
            answer = http.request(method, url, body=body, headers=headers)
        except urllib3.exceptions.HTTPError:
            return False
    return answer.status in _THERE


_Parts = tuple[tuple[str, ...], str, str, dict[str, str]]


def _aws(port: int) -> _Parts:
    endpoint = f"http://127.0.0.1:{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_S3": endpoint,
    }
    program = ("deployer.sandbox.s3_server", "--port", str(port))
    return program, endpoint, f"s3://{BUCKET}", environment


def _gcp(port: int) -> _Parts:
    endpoint = f"http://127.0.0.1:{port}"
    program = ("deployer.sandbox.gcs_server", "--port", str(port))
    return program, endpoint, f"gs://{BUCKET}", {"STORAGE_EMULATOR_HOST": endpoint}


def _azure(port: int) -> _Parts:
    endpoint = f"http://127.0.0.1:{port}/{DEVELOPMENT_ACCOUNT}"
    environment = {
        "AZURE_STORAGE_ACCOUNT": DEVELOPMENT_ACCOUNT,
        "AZURE_STORAGE_KEY": DEVELOPMENT_KEY,
        "AZURE_STORAGE_CONNECTION_STRING": (
            f"DefaultEndpointsProtocol=http;AccountName={DEVELOPMENT_ACCOUNT};AccountKey={DEVELOPMENT_KEY};"
            f"BlobEndpoint={endpoint};"
        ),
    }
    program = ("deployer.sandbox.blob_server", "--port", str(port))
    return program, endpoint, f"az://{BUCKET}", environment


def _bucket_request(server: StandIn, clock: Clock) -> tuple[str, str, bytes, dict[str, str]]:
    match server.cloud:
        case Cloud.GCP:
            body = canonical_json({"name": BUCKET})
            return "POST", "/storage/v1/b", body, {"Content-Type": "application/json"}
        case Cloud.AZURE:
            path = f"{urlsplit(server.endpoint).path}/{BUCKET}?restype=container"
            return "PUT", path, b"", _signed_headers("PUT", path, clock)
        case _:
            path = f"/{BUCKET}"
            return "PUT", path, b"", _aws_headers(server, "PUT", path, clock)


def _aws_headers(server: StandIn, method: str, target: str, clock: Clock) -> dict[str, str]:
    message = Message()
    message["host"] = f"127.0.0.1:{server.port}"
    message["x-amz-date"] = clock.now().strftime("%Y%m%dT%H%M%SZ")
    message["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
    signature = SignatureV4(ACCESS_KEY, SECRET_KEY, clock)
    request = Request.of(method, target, message)
    return {**message, "Authorization": signature.sign(request, server.environment["AWS_REGION"])}


def _signed_headers(method: str, target: str, clock: Clock) -> dict[str, str]:
    date = format_datetime(clock.now(), usegmt=True)
    headers = {"x-ms-date": date, "x-ms-version": "2021-08-06", "Content-Length": "0"}
    message = Message()
    for name, value in headers.items():
        message[name] = value
    signature = SharedKey(DEVELOPMENT_ACCOUNT, DEVELOPMENT_KEY, clock).sign(
        Request.of(method, target, message)
    )
    return {**headers, "Authorization": f"SharedKey {DEVELOPMENT_ACCOUNT}:{signature}"}
