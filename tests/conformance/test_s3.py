"""S3's stand-ins, judged through Amazon's own client."""

import base64
import hashlib
import uuid
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import anycrc
import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from deployer.checksums import new_crc32c
from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY

pytestmark = pytest.mark.parametrize("peer", ["s3", "s3-tls", "moto", "ministack"])

MIB = 1024 * 1024
PART = 5 * MIB


def crc32c(data: bytes) -> bytes:
    hasher = new_crc32c()
    hasher.update(data)
    return hasher.digest()


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "CRC64NVME": lambda data: anycrc.Model("CRC64-NVME").calc(data).to_bytes(8, "big"),
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": crc32c,
    "SHA1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


def of(algorithm: str, data: bytes) -> str:
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode()


def claim(algorithm: str, data: bytes) -> dict[str, str]:
    return {f"Checksum{algorithm}": of(algorithm, data)}


def said(algorithm: str, data: bytes) -> dict[str, str]:
    return {"ChecksumAlgorithm": algorithm, **claim(algorithm, data)}


def connect(server: Any, key: str = ACCESS_KEY, secret: str = SECRET_KEY) -> Any:
    return boto3.client(
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


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    found: str = error.value.response["Error"]["Code"]
    return found


def body_of(parts: int) -> list[bytes]:
    whole = [bytes([number]) * PART for number in range(1, parts)]
    return [*whole, b"the end"]


def test_an_object_reads_back_with_what_was_said_of_it(bucket: Bucket) -> None:
    bucket.put("a b/ü~+%?#.txt", b"hello", Metadata={"by": "me"}, ContentType="text/plain")
    found = bucket.head("a b/ü~+%?#.txt")
    assert bucket.read("a b/ü~+%?#.txt") == b"hello"
    assert (found["ContentLength"], found["Metadata"]) == (5, {"by": "me"})
    assert found["ContentType"] == "text/plain"
    assert found["ETag"].strip('"') == hashlib.md5(b"hello", usedforsecurity=False).hexdigest()


def test_an_empty_object_reads_back_empty(bucket: Bucket) -> None:
    bucket.put("empty")
    assert bucket.read("empty") == b""


def test_odd_keys_are_told_apart(bucket: Bucket) -> None:
    keys = ["a", "a/b", "a//b", "t/", "back\\slash", "ä", "€", "\U0001f600", "Z"]
    for key in keys:
        bucket.put(key, key.encode())
    assert bucket.keys() == sorted(keys, key=str.encode)
    assert [bucket.read(key) for key in keys] == [key.encode() for key in keys]


def test_missing_things_are_told_apart(bucket: Bucket) -> None:
    with pytest.raises(ClientError) as key:
        bucket.get("nothing")
    with pytest.raises(ClientError) as place:
        bucket.s3.get_object(Bucket="nowhere-at-all", Key="k")
    with pytest.raises(ClientError) as head:
        bucket.head("nothing")
    assert (code(key), code(place), code(head)) == ("NoSuchKey", "NoSuchBucket", "404")


def test_deleting_what_is_not_there_succeeds(bucket: Bucket) -> None:
    bucket.s3.delete_object(Bucket=bucket.name, Key="nothing")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_wrong_checksum_stores_nothing(bucket: Bucket, algorithm: str) -> None:
    with pytest.raises(ClientError) as error:
        bucket.put("k", b"these", **said(algorithm, b"those"))
    assert code(error) in {"BadDigest", "InvalidRequest"}
    assert bucket.keys() == []


def test_a_wrong_md5_stores_nothing(bucket: Bucket) -> None:
    wrong = base64.b64encode(bytes(16)).decode()
    with pytest.raises(ClientError) as error:
        bucket.put("k", b"these", ContentMD5=wrong)
    assert code(error) == "BadDigest"
    assert bucket.keys() == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_is_kept_and_told(bucket: Bucket, algorithm: str) -> None:
    bucket.put("k", b"these", **said(algorithm, b"these"))
    found = bucket.head("k", ChecksumMode="ENABLED")
    assert found[f"Checksum{algorithm}"] == of(algorithm, b"these")
    assert found["ChecksumType"] == "FULL_OBJECT"


def test_a_checksum_is_told_only_when_asked_for(bucket: Bucket) -> None:
    bucket.put("k", b"these", **said("CRC32", b"these"))
    assert "ChecksumCRC32" not in bucket.head("k")


def test_a_body_that_was_not_signed_stores_nothing(bucket: Bucket, server: Any) -> None:
    url = bucket.s3.generate_presigned_url(
        "put_object",
        Params={
            "Bucket": bucket.name,
            "Key": "k",
            "ContentMD5": base64.b64encode(bytes(16)).decode(),
        },
    )
    with urllib3.PoolManager(ca_certs=server.trust) as http:
        md5 = {"Content-MD5": base64.b64encode(bytes(16)).decode()}
        assert http.request("PUT", url, body=b"another", headers=md5).status == 400
        assert http.request("PUT", url, body=b"another").status == 403
    assert bucket.keys() == []


def test_a_presigned_url_reads_until_it_expires(bucket: Bucket, server: Any) -> None:
    bucket.put("a b", b"hello")
    where = {"Bucket": bucket.name, "Key": "a b"}
    good = bucket.s3.generate_presigned_url("get_object", Params=where)
    late = bucket.s3.generate_presigned_url("get_object", Params=where, ExpiresIn=-5)
    with urllib3.PoolManager(ca_certs=server.trust) as http:
        assert http.request("GET", good).data == b"hello"
        assert http.request("GET", good.replace("a%20b", "other")).status == 403
        assert http.request("GET", late).status in {400, 403}


@pytest.mark.parametrize(
    ("key", "secret", "refusal"),
    [(ACCESS_KEY, "wrong", "SignatureDoesNotMatch"), ("nobody", SECRET_KEY, "InvalidAccessKeyId")],
)
def test_a_stranger_is_refused(
    bucket: Bucket, server: Any, key: str, secret: str, refusal: str
) -> None:
    stranger = connect(server, key, secret)
    with pytest.raises(ClientError) as error:
        stranger.put_object(Bucket=bucket.name, Key="k", Body=b"")
    stranger.close()
    assert code(error) == refusal


def test_create_only_has_one_winner_of_sixteen(bucket: Bucket) -> None:
    def create(number: int) -> Any:
        try:
            bucket.put("lock", str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "created"

    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(create, range(16)))
    assert results.count("created") == 1
    assert {*results} <= {"created", "PreconditionFailed", "ConditionalRequestConflict"}


def test_a_stale_etag_neither_writes_nor_reads(bucket: Bucket) -> None:
    stale = bucket.put("k", b"1")["ETag"]
    live = bucket.put("k", b"2", IfMatch=stale)["ETag"]
    with pytest.raises(ClientError) as write:
        bucket.put("k", b"3", IfMatch=stale)
    with pytest.raises(ClientError) as read:
        bucket.get("k", IfMatch=stale)
    assert (code(write), code(read)) == ("PreconditionFailed", "PreconditionFailed")
    assert bucket.read("k", IfMatch=live) == b"2"


def test_replacing_what_is_not_there_is_refused(bucket: Bucket) -> None:
    with pytest.raises(ClientError) as error:
        bucket.put("k", b"1", IfMatch='"0123456789abcdef0123456789abcdef"')
    assert code(error) == "NoSuchKey"


def test_an_unchanged_object_is_not_sent_again(bucket: Bucket) -> None:
    etag = bucket.put("k", b"1")["ETag"]
    with pytest.raises(ClientError) as error:
        bucket.get("k", IfNoneMatch=etag)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304


def test_a_deletion_can_be_of_one_version_alone(bucket: Bucket) -> None:
    stale = bucket.put("k", b"1")["ETag"]
    live = bucket.put("k", b"2")["ETag"]
    with pytest.raises(ClientError) as error:
        bucket.s3.delete_object(Bucket=bucket.name, Key="k", IfMatch=stale)
    assert code(error) == "PreconditionFailed"
    bucket.s3.delete_object(Bucket=bucket.name, Key="k", IfMatch=live)
    assert bucket.keys() == []


def test_ranges_are_cut_as_asked(bucket: Bucket) -> None:
    bucket.put("k", b"0123456789", **claim("CRC32", b"0123456789"))
    part = bucket.get("k", Range="bytes=2-4", ChecksumMode="ENABLED")
    assert (part["ResponseMetadata"]["HTTPStatusCode"], part["Body"].read()) == (206, b"234")
    assert part["ContentRange"] == "bytes 2-4/10"
    assert bucket.read("k", Range="bytes=8-") == b"89"
    assert bucket.read("k", Range="bytes=-3") == b"789"
    with pytest.raises(ClientError) as error:
        bucket.get("k", Range="bytes=10-")
    assert code(error) == "InvalidRange"


def test_pages_come_in_byte_order_without_gaps(bucket: Bucket) -> None:
    names = [f"k/{number:04d}" for number in range(70)]
    for name in ["other", *names]:
        bucket.put(name)
    pages = bucket.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket.name, Prefix="k/", PaginationConfig={"PageSize": 20}
    )
    found = [[entry["Key"] for entry in page["Contents"]] for page in pages]
    assert [len(page) for page in found] == [20, 20, 20, 10]
    assert [name for page in found for name in page] == names
    behind = bucket.page(Prefix="k/", StartAfter="k/0065")["Contents"]
    assert [entry["Key"] for entry in behind] == names[66:]


def test_a_delimiter_folds_folders_over_pages(bucket: Bucket) -> None:
    for name in ("a", "b/1", "b/2", "c", "d/1"):
        bucket.put(name)
    pages = list(
        bucket.s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket.name, Delimiter="/", PaginationConfig={"PageSize": 2}
        )
    )
    assert [one["Key"] for page in pages for one in page.get("Contents", ())] == ["a", "c"]
    folders = [one["Prefix"] for page in pages for one in page.get("CommonPrefixes", ())]
    assert folders == ["b/", "d/"]


def test_many_are_deleted_in_one_request(bucket: Bucket) -> None:
    for name in ("a", "b", "c"):
        bucket.put(name)
    objects = [{"Key": name} for name in ("a", "b", "missing")]
    answer = bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": objects})
    assert sorted(one["Key"] for one in answer["Deleted"]) == ["a", "b", "missing"]
    assert bucket.keys() == ["c"]


def test_a_copy_keeps_or_replaces_metadata_and_can_be_of_one_version(bucket: Bucket) -> None:
    etag = bucket.put("a", b"hello", Metadata={"by": "me"})["ETag"]
    source = {"Bucket": bucket.name, "Key": "a"}
    bucket.s3.copy_object(Bucket=bucket.name, Key="b", CopySource=source, CopySourceIfMatch=etag)
    assert (bucket.read("b"), bucket.head("b")["Metadata"]) == (b"hello", {"by": "me"})
    bucket.s3.copy_object(
        Bucket=bucket.name,
        Key="c",
        CopySource=source,
        Metadata={"by": "you"},
        MetadataDirective="REPLACE",
    )
    assert bucket.head("c")["Metadata"] == {"by": "you"}
    with pytest.raises(ClientError) as error:
        bucket.s3.copy_object(
            Bucket=bucket.name, Key="b", CopySource=source, CopySourceIfMatch='"0"'
        )
    assert code(error) == "PreconditionFailed"


def test_a_copy_can_be_create_only(bucket: Bucket) -> None:
    bucket.put("a", b"hello")
    where = {"Bucket": bucket.name, "CopySource": {"Bucket": bucket.name, "Key": "a"}}
    bucket.s3.copy_object(**where, Key="b", IfNoneMatch="*")
    with pytest.raises(ClientError) as error:
        bucket.s3.copy_object(**where, Key="b", IfNoneMatch="*")
    assert code(error) == "PreconditionFailed"


def test_parts_come_in_any_order_and_the_later_of_two_counts(bucket: Bucket) -> None:
    one, two, end = body_of(3)
    upload = Upload(bucket, Metadata={"by": "me"})
    upload.part(3, end)
    upload.part(1, two)
    upload.part(2, two)
    upload.part(1, one)
    assert bucket.keys() == []
    etag = upload.complete()["ETag"].strip('"')
    digests = b"".join(
        hashlib.md5(part, usedforsecurity=False).digest() for part in (one, two, end)
    )
    assert etag == f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-3"
    assert bucket.read("big") == one + two + end
    assert bucket.head("big")["Metadata"] == {"by": "me"}


@pytest.mark.parametrize("algorithm", ["CRC64NVME", "CRC32", "CRC32C"])
def test_a_multipart_object_has_a_checksum_of_the_whole(bucket: Bucket, algorithm: str) -> None:
    parts = body_of(2)
    whole = b"".join(parts)
    upload = Upload(bucket, ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    for number, part in enumerate(parts, 1):
        upload.part(number, part, **said(algorithm, part))
    of_whole: dict[str, Any] = {**claim(algorithm, whole), "ChecksumType": "FULL_OBJECT"}
    upload.complete(**of_whole, MpuObjectSize=len(whole))
    found = bucket.head("big", ChecksumMode="ENABLED")
    assert found[f"Checksum{algorithm}"] == of(algorithm, whole)
    assert found["ChecksumType"] == "FULL_OBJECT"


def test_a_wrong_checksum_of_the_whole_publishes_nothing(bucket: Bucket) -> None:
    upload = Upload(bucket, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload.part(1, b"these", **said("CRC32", b"these"))
    with pytest.raises(ClientError) as error:
        upload.complete(ChecksumCRC32=of("CRC32", b"those"), ChecksumType="FULL_OBJECT")
    assert code(error) in {"BadDigest", "InvalidRequest"}
    assert bucket.keys() == []


def test_a_composite_checksum_counts_its_parts(bucket: Bucket) -> None:
    parts = body_of(2)
    upload = Upload(bucket, ChecksumAlgorithm="SHA256")
    for number, part in enumerate(parts, 1):
        upload.part(number, part, **said("SHA256", part))
    upload.complete()
    found = bucket.head("big", ChecksumMode="ENABLED")
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    assert found["ChecksumSHA256"] == of("SHA256", digests) + "-2"
    assert found["ChecksumType"] == "COMPOSITE"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_part_with_a_wrong_checksum_is_refused(bucket: Bucket, algorithm: str) -> None:
    upload = Upload(bucket, ChecksumAlgorithm=algorithm)
    with pytest.raises(ClientError) as error:
        upload.part(1, b"these", **said(algorithm, b"those"))
    assert code(error) in {"BadDigest", "InvalidRequest"}
    assert upload.listed().get("Parts", []) == []


def test_a_completion_that_names_another_part_is_refused(bucket: Bucket) -> None:
    upload = Upload(bucket)
    upload.part(1, b"these")
    with pytest.raises(ClientError) as etag:
        upload.complete([{"PartNumber": 1, "ETag": '"0123456789abcdef0123456789abcdef"'}])
    with pytest.raises(ClientError) as number:
        upload.complete([{**upload.parts[1], "PartNumber": 2}])
    assert (code(etag), code(number)) == ("InvalidPart", "InvalidPart")
    assert bucket.keys() == []


def test_a_completion_of_the_wrong_size_is_refused(bucket: Bucket) -> None:
    upload = Upload(bucket)
    upload.part(1, b"these")
    with pytest.raises(ClientError):
        upload.complete(MpuObjectSize=4)
    assert bucket.keys() == []


def test_a_completion_out_of_order_is_refused(bucket: Bucket) -> None:
    upload = Upload(bucket)
    for number, part in enumerate(body_of(3)[:2], 1):
        upload.part(number, part)
    with pytest.raises(ClientError) as error:
        upload.complete([upload.parts[2], upload.parts[1]])
    assert code(error) == "InvalidPartOrder"


def test_a_small_part_in_the_middle_is_refused(bucket: Bucket) -> None:
    upload = Upload(bucket)
    upload.part(1, b"small")
    upload.part(2, b"end")
    with pytest.raises(ClientError) as error:
        upload.complete()
    assert code(error) == "EntityTooSmall"


def test_a_completion_can_be_create_only(bucket: Bucket) -> None:
    bucket.put("big", b"first")
    upload = Upload(bucket)
    upload.part(1, b"second")
    with pytest.raises(ClientError) as error:
        upload.complete(IfNoneMatch="*")
    assert code(error) == "PreconditionFailed"
    assert bucket.read("big") == b"first"


def test_a_completion_repeated_says_the_same(bucket: Bucket) -> None:
    upload = Upload(bucket)
    upload.part(1, b"these")
    assert upload.complete()["ETag"] == upload.complete()["ETag"]


def test_parts_are_listed_in_pages_with_their_checksums(bucket: Bucket) -> None:
    upload = Upload(bucket, ChecksumAlgorithm="CRC32")
    for number in (1, 2, 3):
        upload.part(number, b"these", **said("CRC32", b"these"))
    first = upload.listed(MaxParts=2)
    assert [part["PartNumber"] for part in first["Parts"]] == [1, 2]
    assert first["IsTruncated"]
    rest = upload.listed(PartNumberMarker=first["NextPartNumberMarker"])
    assert [(part["PartNumber"], part["Size"]) for part in rest["Parts"]] == [(3, 5)]
    assert rest["Parts"][0]["ChecksumCRC32"] == of("CRC32", b"these")


def test_an_aborted_upload_is_gone_with_its_parts(bucket: Bucket) -> None:
    upload = Upload(bucket)
    upload.part(1, b"these")
    open_uploads = bucket.s3.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    assert [(one["Key"], one["UploadId"]) for one in open_uploads] == [
        ("big", upload.where["UploadId"])
    ]
    assert open_uploads[0]["Initiated"].tzinfo is not None
    upload.abort()
    assert bucket.s3.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []
    acts: list[Callable[[], Any]] = [
        partial(upload.part, 2, b""),
        upload.complete,
        upload.listed,
    ]
    for act in acts:
        with pytest.raises(ClientError) as error:
            act()
        assert code(error) == "NoSuchUpload"


def test_a_part_can_be_copied_from_a_range(bucket: Bucket) -> None:
    bucket.put("source", b"0123456789")
    upload = Upload(bucket)
    copied = bucket.s3.upload_part_copy(
        **upload.where,
        PartNumber=1,
        CopySource={"Bucket": bucket.name, "Key": "source"},
        CopySourceRange="bytes=2-5",
    )
    result = copied["CopyPartResult"]
    upload.parts[1] = {name: result[name] for name in ("ETag", "ChecksumCRC32") if name in result}
    upload.parts[1]["PartNumber"] = 1
    upload.complete()
    assert bucket.read("big") == b"2345"


def test_encryption_settings_are_kept_and_told(bucket: Bucket) -> None:
    bucket.put("k", b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/models")
    found = bucket.head("k")
    assert found["ServerSideEncryption"] == "aws:kms"
    assert "alias/models" in found["SSEKMSKeyId"]


def test_a_bucket_in_another_region_says_which(bucket: Bucket) -> None:
    name = f"models-{uuid.uuid4().hex}"
    bucket.s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    assert bucket.s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    found = bucket.s3.head_bucket(Bucket=name)
    assert found["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


def test_a_bucket_is_dropped_only_when_it_is_empty(bucket: Bucket) -> None:
    bucket.put("k")
    with pytest.raises(ClientError) as error:
        bucket.s3.delete_bucket(Bucket=bucket.name)
    assert code(error) == "BucketNotEmpty"
    bucket.s3.delete_object(Bucket=bucket.name, Key="k")
    bucket.s3.delete_bucket(Bucket=bucket.name)
    with pytest.raises(ClientError):
        bucket.s3.head_bucket(Bucket=bucket.name)
