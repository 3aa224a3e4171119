"""A bucket of its own for each check, by short names, and multipart uploads in it."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config

from deployer.providers.aws.session import open_session
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3.checksums import ALGORITHMS


def connect(server: Any, key: str = ACCESS_KEY, secret: str = SECRET_KEY) -> Any:
    return open_session().client(
        "s3",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        verify=str(server.trust) if server.trust else None,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 1},
        ),
    )


@pytest.fixture
def s3(server: Any) -> Iterator[Any]:
    client = connect(server)
    yield client
    client.close()


class Bucket:
    """A bucket of its own, by short names."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        self.name = f"models-{uuid.uuid4().hex}"
        s3.create_bucket(Bucket=self.name)

    def put(self, key: str, body: bytes = b"", **more: Any) -> Any:
        return self.s3.put_object(Bucket=self.name, Key=key, Body=body, **more)

    def get(self, key: str, **more: Any) -> Any:
        return self.s3.get_object(Bucket=self.name, Key=key, **more)

    def read(self, key: str, **more: Any) -> bytes:
        with self.get(key, **more)["Body"] as body:
            data: bytes = body.read()
        return data

    def head(self, key: str, **more: Any) -> Any:
        return self.s3.head_object(Bucket=self.name, Key=key, **more)

    def page(self, **more: Any) -> Any:
        return self.s3.list_objects_v2(Bucket=self.name, **more)

    def keys(self) -> list[str]:
        return [found["Key"] for found in self.page().get("Contents", ())]


@pytest.fixture
def bucket(s3: Any) -> Bucket:
    return Bucket(s3)


class Upload:
    """A multipart upload that remembers its parts."""

    def __init__(self, bucket: Bucket, key: str = "big", **more: Any) -> None:
        self._s3 = bucket.s3
        more = {"ChecksumAlgorithm": "CRC32", **more}
        self.where = {"Bucket": bucket.name, "Key": key}
        self.where["UploadId"] = self._s3.create_multipart_upload(**self.where, **more)["UploadId"]
        self.parts: dict[int, dict[str, Any]] = {}

    def part(self, number: int, body: bytes, **more: Any) -> Any:
        answer = self._s3.upload_part(**self.where, PartNumber=number, Body=body, **more)
        known = {f"Checksum{algorithm}" for algorithm in ALGORITHMS}
        said = {name: value for name, value in answer.items() if name in known}
        self.parts[number] = {"PartNumber": number, "ETag": answer["ETag"], **said}
        return answer

    def listed(self, **more: Any) -> Any:
        return self._s3.list_parts(**self.where, **more)

    def complete(self, parts: list[dict[str, Any]] | None = None, **more: Any) -> Any:
        listed = [part for _, part in sorted(self.parts.items())] if parts is None else parts
        return self._s3.complete_multipart_upload(
            **self.where, MultipartUpload={"Parts": listed}, **more
        )

    def abort(self) -> None:
        self._s3.abort_multipart_upload(**self.where)


@pytest.fixture
def connect_as(server: Any) -> Callable[[str, str], Any]:
    """Connect with another key and secret."""
    return lambda key, secret: connect(server, key, secret)


@pytest.fixture
def begin_upload(bucket: Bucket) -> Callable[..., Upload]:
    """Begin a multipart upload of the key ``big``."""
    return lambda **more: Upload(bucket, **more)
