"""S3's stand-ins, judged through Amazon's own client: multipart uploads."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.sandbox.s3.checksums import ALGORITHMS, compute

pytestmark = pytest.mark.parametrize("peer", ["s3", "s3-tls", "moto", "ministack"])

MIB = 1024 * 1024
PART = 5 * MIB


def of(algorithm: str, data: bytes) -> str:
    return compute(algorithm, data).value


def claim(algorithm: str, data: bytes) -> dict[str, str]:
    return {f"Checksum{algorithm}": of(algorithm, data)}


def said(algorithm: str, data: bytes) -> dict[str, str]:
    return {"ChecksumAlgorithm": algorithm, **claim(algorithm, data)}


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    found: str = error.value.response["Error"]["Code"]
    return found


def body_of(parts: int) -> list[bytes]:
    whole = [bytes([number]) * PART for number in range(1, parts)]
    return [*whole, b"the end"]


def test_parts_come_in_any_order_and_the_later_of_two_counts(
    bucket: Any, begin_upload: Any
) -> None:
    one, two, end = body_of(3)
    upload = begin_upload(Metadata={"by": "me"})
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
def test_a_multipart_object_has_a_checksum_of_the_whole(
    bucket: Any, begin_upload: Any, algorithm: str
) -> None:
    parts = body_of(2)
    whole = b"".join(parts)
    upload = begin_upload(ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    for number, part in enumerate(parts, 1):
        upload.part(number, part, **said(algorithm, part))
    of_whole: dict[str, Any] = {**claim(algorithm, whole), "ChecksumType": "FULL_OBJECT"}
    upload.complete(**of_whole, MpuObjectSize=len(whole))
    found = bucket.head("big", ChecksumMode="ENABLED")
    assert found[f"Checksum{algorithm}"] == of(algorithm, whole)
    assert found["ChecksumType"] == "FULL_OBJECT"


def test_a_wrong_checksum_of_the_whole_publishes_nothing(bucket: Any, begin_upload: Any) -> None:
    upload = begin_upload(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    upload.part(1, b"these", **said("CRC32", b"these"))
    with pytest.raises(ClientError) as error:
        upload.complete(ChecksumCRC32=of("CRC32", b"those"), ChecksumType="FULL_OBJECT")
    assert code(error) in {"BadDigest", "InvalidRequest"}
    assert bucket.keys() == []


def test_a_composite_checksum_counts_its_parts(bucket: Any, begin_upload: Any) -> None:
    parts = body_of(2)
    upload = begin_upload(ChecksumAlgorithm="SHA256")
    for number, part in enumerate(parts, 1):
        upload.part(number, part, **said("SHA256", part))
    upload.complete()
    found = bucket.head("big", ChecksumMode="ENABLED")
    digests = b"".join(hashlib.sha256(part).digest() for part in parts)
    assert found["ChecksumSHA256"] == of("SHA256", digests) + "-2"
    assert found["ChecksumType"] == "COMPOSITE"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_part_with_a_wrong_checksum_is_refused(begin_upload: Any, algorithm: str) -> None:
    upload = begin_upload(ChecksumAlgorithm=algorithm)
    with pytest.raises(ClientError) as error:
        upload.part(1, b"these", **said(algorithm, b"those"))
    assert code(error) in {"BadDigest", "InvalidRequest"}
    assert upload.listed().get("Parts", []) == []


def test_a_completion_that_names_another_part_is_refused(bucket: Any, begin_upload: Any) -> None:
    upload = begin_upload()
    upload.part(1, b"these")
    with pytest.raises(ClientError) as etag:
        upload.complete([{"PartNumber": 1, "ETag": '"0123456789abcdef0123456789abcdef"'}])
    with pytest.raises(ClientError) as number:
        upload.complete([{**upload.parts[1], "PartNumber": 2}])
    assert (code(etag), code(number)) == ("InvalidPart", "InvalidPart")
    assert bucket.keys() == []


def test_a_completion_of_the_wrong_size_is_refused(bucket: Any, begin_upload: Any) -> None:
    upload = begin_upload()
    upload.part(1, b"these")
    with pytest.raises(ClientError):
        upload.complete(MpuObjectSize=4)
    assert bucket.keys() == []


def test_a_completion_out_of_order_is_refused(begin_upload: Any) -> None:
    upload = begin_upload()
    for number, part in enumerate(body_of(3)[:2], 1):
        upload.part(number, part)
    with pytest.raises(ClientError) as error:
        upload.complete([upload.parts[2], upload.parts[1]])
    assert code(error) == "InvalidPartOrder"


def test_a_small_part_in_the_middle_is_refused(begin_upload: Any) -> None:
    upload = begin_upload()
    upload.part(1, b"small")
    upload.part(2, b"end")
    with pytest.raises(ClientError) as error:
        upload.complete()
    assert code(error) == "EntityTooSmall"


def test_a_completion_can_be_create_only(bucket: Any, begin_upload: Any) -> None:
    bucket.put("big", b"first")
    upload = begin_upload()
    upload.part(1, b"second")
    with pytest.raises(ClientError) as error:
        upload.complete(IfNoneMatch="*")
    assert code(error) == "PreconditionFailed"
    assert bucket.read("big") == b"first"


def test_a_completion_repeated_says_the_same(begin_upload: Any) -> None:
    upload = begin_upload()
    upload.part(1, b"these")
    assert upload.complete()["ETag"] == upload.complete()["ETag"]


def test_parts_are_listed_in_pages_with_their_checksums(begin_upload: Any) -> None:
    upload = begin_upload(ChecksumAlgorithm="CRC32")
    for number in (1, 2, 3):
        upload.part(number, b"these", **said("CRC32", b"these"))
    first = upload.listed(MaxParts=2)
    assert [part["PartNumber"] for part in first["Parts"]] == [1, 2]
    assert first["IsTruncated"]
    rest = upload.listed(PartNumberMarker=first["NextPartNumberMarker"])
    assert [(part["PartNumber"], part["Size"]) for part in rest["Parts"]] == [(3, 5)]
    assert rest["Parts"][0]["ChecksumCRC32"] == of("CRC32", b"these")


def test_an_aborted_upload_is_gone_with_its_parts(bucket: Any, begin_upload: Any) -> None:
    upload = begin_upload()
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


def test_a_part_can_be_copied_from_a_range(bucket: Any, begin_upload: Any) -> None:
    bucket.put("source", b"0123456789")
    upload = begin_upload()
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
