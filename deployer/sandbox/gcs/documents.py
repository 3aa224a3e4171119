"""Objects as the service describes them: JSON resources, and headers of a download."""

from datetime import datetime
from email.utils import format_datetime

from deployer.sandbox.gcs.objects import StoredObject

__all__ = ["bucket_resource", "media_headers", "object_resource"]


def bucket_resource(name: str) -> dict[str, str]:
    """Return the bucket as JSON."""
    return {"kind": "storage#bucket", "id": name, "name": name, "storageClass": "STANDARD"}


def object_resource(stored: StoredObject, *, keyed: bool = False) -> dict[str, object]:
    """Return the object as JSON; numbers are strings, as int64 is in Google's APIs.

    Checksums of what a customer's key encrypts are for who has the key: ``keyed``.
    """
    resource: dict[str, object] = {
        "kind": "storage#object",
        "id": f"{stored.bucket}/{stored.name}/{stored.generation}",
        "bucket": stored.bucket,
        "name": stored.name,
        "generation": str(stored.generation),
        "metageneration": str(stored.metageneration),
        "size": str(len(stored.data)),
        "contentType": stored.content_type,
        "etag": f"{stored.generation}/{stored.metageneration}",
        "timeCreated": _rfc3339(stored.created),
        "updated": _rfc3339(stored.updated),
        "storageClass": "STANDARD",
        "metadata": dict(stored.metadata),
    }
    told = keyed or not stored.key
    optional: dict[str, object] = {
        "crc32c": told and stored.crc32c,
        "md5Hash": told and stored.md5,
        "contentEncoding": stored.content_encoding,
    }
    if stored.key:
        key = {"encryptionAlgorithm": "AES256", "keySha256": stored.key}
        resource["customerEncryption"] = key
    return resource | {key: value for key, value in optional.items() if value}


def media_headers(stored: StoredObject) -> dict[str, str]:
    """Return what comes with the object's bytes."""
    md5 = f",md5={stored.md5}" if stored.md5 else ""
    headers = {
        "Content-Type": stored.content_type,
        "ETag": f'"{stored.generation}"',
        "Last-Modified": format_datetime(stored.updated, usegmt=True),
        "X-Goog-Generation": str(stored.generation),
        "X-Goog-Metageneration": str(stored.metageneration),
        "X-Goog-Hash": f"crc32c={stored.crc32c}{md5}",
        "X-Goog-Stored-Content-Length": str(len(stored.data)),
        "X-Goog-Stored-Content-Encoding": stored.content_encoding or "identity",
    }
    if stored.content_encoding:
        headers["Content-Encoding"] = stored.content_encoding
    return headers


def _rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
