from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from deployer.ports import StoreSettings
from deployer.providers.aws.lane import FastLane
from deployer.providers.local.clock import SystemClock
from deployer.providers.patience import Patience
from deployer.sandbox.faults import Fault
from deployer.sandbox.loopback import RunningServer
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3_server import start_s3_server


@pytest.fixture
def server() -> Iterator[RunningServer]:
    started = start_s3_server()
    yield started
    started.close()


@pytest.fixture
def client(server: RunningServer) -> Any:
    made: Any = boto3.Session().client(
        "s3",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )
    made.create_bucket(Bucket="lane")
    return made


def open_lane(client: Any, bucket: str) -> FastLane:
    return FastLane(
        client, bucket, clock=SystemClock(), patience=Patience(6.0), settings=StoreSettings()
    )


def test_what_is_put_by_the_lane_is_there_with_its_signature_checked(client: Any) -> None:
    lane = open_lane(client, "lane")
    key = "a b/ü+%41~.bin"
    assert lane.put(key, b"0123456789", {"x-amz-meta-a": "b"}, part={}) is not None
    found = client.get_object(Bucket="lane", Key=key)
    assert (found["Body"].read(), found["Metadata"]) == (b"0123456789", {"a": "b"})
    answer = lane.get_range(key, {"Range": "bytes=2-4", "If-Match": found["ETag"]}, most=3)
    assert answer is not None
    assert (answer.body, answer.headers["content-range"]) == (b"234", "bytes 2-4/10")


def test_whatever_does_not_succeed_is_left_to_the_sdk(client: Any, server: RunningServer) -> None:
    lane = open_lane(client, "lane")
    assert lane.get_range("nothing", {"Range": "bytes=0-1"}, most=2) is None
    for fault in (Fault.REFUSE, Fault.RESET_REQUEST, Fault.LOSE_RESPONSE):
        server.faults.order(fault, method="PUT")
        assert lane.put("a", b"x", {}, part={}) is None
    assert lane.put("a", b"x", {"x-amz-checksum-crc32": "AAAAAA=="}, part={}) is None
    server.close()
    assert lane.put("a", b"x", {}, part={}) is None


@pytest.mark.parametrize(
    "bucket", ["models--use1-az4--x-s3", "arn:aws:s3:us-east-1:1:accesspoint/a"]
)
def test_buckets_that_are_signed_in_other_ways_have_no_lane(client: Any, bucket: str) -> None:
    assert open_lane(client, bucket).put("a", b"x", {}, part={}) is None
