"""Downloading one file over HTTPS, hashed on the way."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urljoin, urlsplit

from deployer.errors import NotFoundError, SetupError, TransientError

if TYPE_CHECKING:
    import urllib3

__all__ = ["download_file"]

_CHUNK = 1 << 20
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_NOT_FOUND = (404, 410)
_OK = 200
_REDIRECTS = 5


def download_file(url: str, path: Path, *, timeout_seconds: float = 60.0) -> str:
    """Write what is at ``url`` to the new file ``path``; return its sha256 in hex.

    Only over TLS, but on loopback, at every redirect. The environment's proxies and
    certificates (HTTPS_PROXY, SSL_CERT_FILE) hold.

    Raises:
        SetupError: It is not HTTPS, or leads to what is not.
        NotFoundError: There is nothing.
        TransientError: It did not answer, refused, or broke off.
    """
    import urllib3

    timeout = urllib3.Timeout(connect=10.0, read=timeout_seconds)
    try:
        with path.open("xb") as file:
            for _ in range(_REDIRECTS):
                _check_scheme(url)
                with _pool(url) as pool:
                    answer = pool.request(
                        "GET", url, preload_content=False, timeout=timeout, redirect=False
                    )
                    with answer:
                        following = answer.get_redirect_location()
                        if not following:
                            _check_status(answer.status, url)
                            return _save(answer, file)
                url = urljoin(url, following)
    except urllib3.exceptions.HTTPError as error:
        raise _failed(url, f"the connection failed ({type(error).__name__})") from error
    raise _failed(url, f"it redirects more than {_REDIRECTS} times")


def _pool(url: str) -> "urllib3.PoolManager":
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy)
    return urllib3.PoolManager()


def _save(answer: "urllib3.BaseHTTPResponse", file: BinaryIO) -> str:
    sha256 = hashlib.sha256()
    for chunk in answer.stream(_CHUNK, decode_content=False):
        file.write(chunk)
        sha256.update(chunk)
    return sha256.hexdigest()


def _check_scheme(url: str) -> None:
    parts = urlsplit(url)
    safe = parts.scheme == "https" or parts.hostname in _LOOPBACK
    if not safe:
        raise SetupError(f"{_name(url)} is not HTTPS", hint="Models are not fetched in the clear.")


def _check_status(status: int, url: str) -> None:
    if status == _OK:
        return
    if status not in _NOT_FOUND:
        raise _failed(url, f"the server answers {status}")
    raise NotFoundError(
        f"there is nothing at {_name(url)}", operation="download", resource=_name(url)
    )


def _failed(url: str, why: str) -> TransientError:
    name = _name(url)
    return TransientError(f"cannot download {name}: {why}", operation="download", resource=name)


def _name(url: str) -> str:
    """Return the URL without its query, which may hold a token."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"
