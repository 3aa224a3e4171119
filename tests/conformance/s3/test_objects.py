"""S3's stand-ins, judged through Amazon's own client: objects and buckets."""

import base64
import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from deployer.sandbox.s3.account import ACCESS_KEY, SECRET_KEY
from deployer.sandbox.s3.checksums import ALGORITHMS, compute

pytestmark = pytest.mark.parametrize("peer", ["s3", "s3-tls", "moto", "ministack"])


def of(algorithm: str, data: bytes) -> str:
    return compute(algorithm, data).value


def claim(algorithm: str, data: bytes) -> dict[str, str]:
    return {f"Checksum{algorithm}": of(algorithm, data)}


def said(algorithm: str, data: bytes) -> dict[str, str]:
    return {"ChecksumAlgorithm": algorithm, **claim(algorithm, data)}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    found: str = error.value.response["Error"]["Code"]
    return found


def test_an_object_reads_back_with_what_was_said_of_it(bucket: Any) -> None:
    bucket.put("a b/ü~+%?#.txt", b"hello", Metadata={"by": "me"}, ContentType="text/plain")
    found = bucket.head("a b/ü~+%?#.txt")
    assert bucket.read("a b/ü~+%?#.txt") == b"hello"
    assert (found["ContentLength"], found["Metadata"]) == (5, {"by": "me"})
    assert found["ContentType"] == "text/plain"
    assert found["ETag"].strip('"') == hashlib.md5(b"hello", usedforsecurity=False).hexdigest()


def test_an_empty_object_reads_back_empty(bucket: Any) -> None:
    bucket.put("empty")
    assert bucket.read("empty") == b""


def test_odd_keys_are_told_apart(bucket: Any) -> None:
    keys = ["a", "a/b", "a//b", "t/", "back\\slash", "ä", "€", "\U0001f600", "Z"]
    for key in keys:
        bucket.put(key, key.encode())
    assert bucket.keys() == sorted(keys, key=str.encode)
    assert [bucket.read(key) for key in keys] == [key.encode() for key in keys]


def test_missing_things_are_told_apart(bucket: Any) -> None:
    with pytest.raises(ClientError) as key:
        bucket.get("nothing")
    with pytest.raises(ClientError) as place:
        bucket.s3.get_object(Bucket="nowhere-at-all", Key="k")
    with pytest.raises(ClientError) as head:
        bucket.head("nothing")
    assert (code(key), code(place), code(head)) == ("NoSuchKey", "NoSuchBucket", "404")


def test_deleting_what_is_not_there_succeeds(bucket: Any) -> None:
    bucket.s3.delete_object(Bucket=bucket.name, Key="nothing")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_wrong_checksum_stores_nothing(bucket: Any, algorithm: str) -> None:
    with pytest.raises(ClientError) as error:
        bucket.put("k", b"these", **said(algorithm, b"those"))
    assert code(error) in {"BadDigest", "InvalidRequest"}
    assert bucket.keys() == []


def test_a_wrong_md5_stores_nothing(bucket: Any) -> None:
    wrong = base64.b64encode(bytes(16)).decode()
    with pytest.raises(ClientError) as error:
        bucket.put("k", b"these", ContentMD5=wrong)
    assert code(error) == "BadDigest"
    assert bucket.keys() == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_checksum_is_kept_and_told(bucket: Any, algorithm: str) -> None:
    bucket.put("k", b"these", **said(algorithm, b"these"))
    found = bucket.head("k", ChecksumMode="ENABLED")
    assert found[f"Checksum{algorithm}"] == of(algorithm, b"these")
    assert found["ChecksumType"] == "FULL_OBJECT"


def test_a_checksum_is_told_only_when_asked_for(bucket: Any) -> None:
    bucket.put("k", b"these", **said("CRC32", b"these"))
    assert "ChecksumCRC32" not in bucket.head("k")


def test_a_body_that_was_not_signed_stores_nothing(bucket: Any, server: Any) -> None:
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


def test_a_presigned_url_reads_until_it_expires(bucket: Any, server: Any) -> None:
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
    bucket: Any, connect_as: Any, key: str, secret: str, refusal: str
) -> None:
    stranger = connect_as(key, secret)
    with pytest.raises(ClientError) as error:
        stranger.put_object(Bucket=bucket.name, Key="k", Body=b"")
    stranger.close()
    assert code(error) == refusal


def test_create_only_has_one_winner_of_sixteen(bucket: Any) -> None:
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


def test_a_stale_etag_neither_writes_nor_reads(bucket: Any) -> None:
    stale = bucket.put("k", b"1")["ETag"]
    live = bucket.put("k", b"2", IfMatch=stale)["ETag"]
    with pytest.raises(ClientError) as write:
        bucket.put("k", b"3", IfMatch=stale)
    with pytest.raises(ClientError) as read:
        bucket.get("k", IfMatch=stale)
    assert (code(write), code(read)) == ("PreconditionFailed", "PreconditionFailed")
    assert bucket.read("k", IfMatch=live) == b"2"


def test_replacing_what_is_not_there_is_refused(bucket: Any) -> None:
    with pytest.raises(ClientError) as error:
        bucket.put("k", b"1", IfMatch='"0123456789abcdef0123456789abcdef"')
    assert code(error) == "NoSuchKey"


def test_an_unchanged_object_is_not_sent_again(bucket: Any) -> None:
    etag = bucket.put("k", b"1")["ETag"]
    with pytest.raises(ClientError) as error:
        bucket.get("k", IfNoneMatch=etag)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304


def test_a_deletion_can_be_of_one_version_alone(bucket: Any) -> None:
    stale = bucket.put("k", b"1")["ETag"]
    live = bucket.put("k", b"2")["ETag"]
    with pytest.raises(ClientError) as error:
        bucket.s3.delete_object(Bucket=bucket.name, Key="k", IfMatch=stale)
    assert code(error) == "PreconditionFailed"
    bucket.s3.delete_object(Bucket=bucket.name, Key="k", IfMatch=live)
    assert bucket.keys() == []


def test_ranges_are_cut_as_asked(bucket: Any) -> None:
    bucket.put("k", b"0123456789", **claim("CRC32", b"0123456789"))
    part = bucket.get("k", Range="bytes=2-4", ChecksumMode="ENABLED")
    assert (part["ResponseMetadata"]["HTTPStatusCode"], part["Body"].read()) == (206, b"234")
    assert part["ContentRange"] == "bytes 2-4/10"
    assert bucket.read("k", Range="bytes=8-") == b"89"
    assert bucket.read("k", Range="bytes=-3") == b"789"
    with pytest.raises(ClientError) as error:
        bucket.get("k", Range="bytes=10-")
    assert code(error) == "InvalidRange"


def test_pages_come_in_byte_order_without_gaps(bucket: Any) -> None:
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


def test_a_delimiter_folds_folders_over_pages(bucket: Any) -> None:
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


def test_many_are_deleted_in_one_request(bucket: Any) -> None:
    for name in ("a", "b", "c"):
        bucket.put(name)
    objects = [{"Key": name} for name in ("a", "b", "missing")]
    answer = bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": objects})
    assert sorted(one["Key"] for one in answer["Deleted"]) == ["a", "b", "missing"]
    assert bucket.keys() == ["c"]


def test_a_copy_keeps_or_replaces_metadata_and_can_be_of_one_version(bucket: Any) -> None:
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


def test_a_copy_can_be_create_only(bucket: Any) -> None:
    bucket.put("a", b"hello")
    where = {"Bucket": bucket.name, "CopySource": {"Bucket": bucket.name, "Key": "a"}}
    bucket.s3.copy_object(**where, Key="b", IfNoneMatch="*")
    with pytest.raises(ClientError) as error:
        bucket.s3.copy_object(**where, Key="b", IfNoneMatch="*")
    assert code(error) == "PreconditionFailed"


def test_encryption_settings_are_kept_and_told(bucket: Any) -> None:
    bucket.put("k", b"1", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/models")
    found = bucket.head("k")
    assert found["ServerSideEncryption"] == "aws:kms"
    assert "alias/models" in found["SSEKMSKeyId"]


def test_a_bucket_in_another_region_says_which(bucket: Any) -> None:
    name = f"models-{uuid.uuid4().hex}"
    bucket.s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    assert bucket.s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    found = bucket.s3.head_bucket(Bucket=name)
    assert found["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"] == "eu-west-1"


def test_a_bucket_is_dropped_only_when_it_is_empty(bucket: Any) -> None:
    bucket.put("k")
    with pytest.raises(ClientError) as error:
        bucket.s3.delete_bucket(Bucket=bucket.name)
    assert code(error) == "BucketNotEmpty"
    bucket.s3.delete_object(Bucket=bucket.name, Key="k")
    bucket.s3.delete_bucket(Bucket=bucket.name)
    with pytest.raises(ClientError):
        bucket.s3.head_bucket(Bucket=bucket.name)
