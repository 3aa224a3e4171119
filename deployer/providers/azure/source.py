"""A blob that the service itself is to read, and the login it is given for that."""

from datetime import timedelta
from typing import Any

from deployer.ports import Clock, ObjectInfo, ObjectStore
from deployer.providers.azure.container import BlobContainer, key_headers, matching
from deployer.providers.customer_key import read_customer_key
from deployer.providers.location import parse_location

__all__ = ["CopySource", "find_source"]

_READABLE = timedelta(hours=1)
_SCOPE = "https://storage.azure.com/.default"


def find_source(container: BlobContainer, source: ObjectStore, info: ObjectInfo) -> "CopySource":
    """Return an object of a store of the same account, as it is copied from."""
    location = parse_location(source.url, scheme="az")
    account: Any = container.client()
    blob = account._get_blob_service_client().get_blob_client(  # noqa: SLF001 - the SDK gives a container no public way to its account
        location.bucket, location.full_key(info.key)
    )
    key = read_customer_key(source.customer_key, account.url)
    return CopySource(blob, info, key_headers(key, "x-ms-source-encryption"), container.clock)


class CopySource:
    """Exactly one version of a blob.

    Attributes:
        url: For a service that knows who asks; with a SAS, where that is the login.
        md5: What the service keeps of its bytes; None where it keeps nothing.
        key_headers: What it was encrypted with.
        condition: The SDK's words for "only this version of it".
    """

    def __init__(
        self, blob: Any, info: ObjectInfo, key_headers: dict[str, str], clock: Clock
    ) -> None:
        self._blob = blob
        self._clock = clock
        self.url: str = blob.url
        self.md5 = bytearray.fromhex(info.checksums["md5"]) if "md5" in info.checksums else None
        self.key_headers = key_headers
        version = matching(info.version)
        self.condition: dict[str, Any] = {f"source_{name}": it for name, it in version.items()}

    def readable_url(self) -> str:
        """Return the URL for a service that knows nobody: an account's key signs it, for an hour.

        What signs is the key that this very request is signed with; it stays here.
        """
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        blob = self._blob
        key = getattr(blob.credential, "account_key", None)
        if key is None:
            return self.url
        signed = generate_blob_sas(
            blob.account_name,
            blob.container_name,
            blob.blob_name,
            account_key=key,
            permission=BlobSasPermissions(read=True),
            expiry=self._clock.now() + _READABLE,
        )
        return f"{self.url}?{signed}"

    def authorization(self) -> str | None:
        """Return the login by token, where that is the login."""
        credential = self._blob.credential
        if not hasattr(credential, "get_token"):
            return None
        return f"Bearer {credential.get_token(_SCOPE).token}"
