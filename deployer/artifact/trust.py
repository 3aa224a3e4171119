"""Whom keyless signatures are trusted by: the keys of sigstore's authorities and logs.

Read from this machine, never fetched: what a deploy trusts does not change under its feet, and it
needs no network. The price is that a root grows old.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from deployer.artifact.bundle import Claim
from deployer.errors import SetupError, SourceError

if TYPE_CHECKING:
    from sigstore_models.trustroot import v1 as trustroot

__all__ = ["TrustedRoot", "load_root"]

_SHIPPED = ("sigstore._store", "https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")
"""Where the package has the public instance's root: a folder named after its repository."""

_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"
_SIGNING = "application/vnd.dev.sigstore.signingconfig.v0.2+json"


@dataclass(frozen=True, slots=True)
class TrustedRoot:
    """A trusted root of sigstore, and what to call it in messages."""

    title: str
    body: "trustroot.TrustedRoot"
    shipped: bool

    @contextmanager
    def as_config(self) -> Iterator[Path]:
        """Give a file that holds the root as a client's trust config, which the library reads."""
        config = {
            "mediaType": _CONFIG,
            "trustedRoot": self.body.to_dict(),
            "signingConfig": {"mediaType": _SIGNING},
        }
        with TemporaryDirectory(prefix="deployer-") as folder:
            path = Path(folder) / "trust.json"
            path.write_text(json.dumps(config))
            yield path

    def list_unknown(self, claim: Claim) -> list[str]:
        """Return which of a signature's logs the root does not know, in words."""
        logs = (
            ("log of signatures", self.body.tlogs, claim.log),
            ("log of certificates", self.body.ctlogs, claim.certificate_log),
        )
        return [
            f"the {kind} {log.hex()[:12]}…"
            for kind, known, log in logs
            if log and log not in {each.log_id.key_id for each in known}
        ]

    def describe_age(self) -> str:
        """Return the day from which its newest log or authority counts."""
        logs = (log.public_key.valid_for for log in (*self.body.tlogs, *self.body.ctlogs))
        authorities = (authority.valid_for for authority in self.body.certificate_authorities)
        starts = [period.start for period in (*logs, *authorities) if period]
        return f"{max(starts):%Y-%m-%d}" if starts else "an unknown day"


def load_root(file: Path | None, shipped: tuple[str, str, str] = _SHIPPED) -> TrustedRoot:
    """Return the root in ``file``: a ``TrustedRoot``, or a ``ClientTrustConfig`` that has one.

    Args:
        file: The one that sigstore's package ships when None.
        shipped: Where that is: a package, a folder and a file.

    Raises:
        SourceError: The file cannot be read, or is none.
        SetupError: The package ships none.
    """
    if file is None:
        return _load_shipped(*shipped)
    try:
        return TrustedRoot(str(file), _parse(file.read_bytes()), shipped=False)
    except OSError as error:
        raise SourceError(f"cannot read the trusted root {file}: {error.strerror}") from error
    except ValueError as error:
        raise SourceError(
            f"{file} is no trusted root of sigstore's",
            hint="It takes a trusted_root.json (TrustedRoot), or a client's trust config.",
        ) from error


def _load_shipped(package: str, folder: str, name: str) -> TrustedRoot:
    from importlib.metadata import version  # noqa: PLC0415 - slow, and pods that pull need none
    from importlib.resources import files  # noqa: PLC0415 - the same

    release = version("sigstore")
    try:
        text = files(package).joinpath(folder, name).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise SetupError(
            f"the package sigstore {release} ships no trusted root",
            hint="Name one: model: {signer: {trust: FILE}}, a trusted_root.json of sigstore's.",
        ) from error
    return TrustedRoot(f"the root that sigstore {release} ships", _parse(text), shipped=True)


def _parse(text: bytes) -> "trustroot.TrustedRoot":
    from sigstore_models.trustroot import v1  # noqa: PLC0415 - an extra, and slow

    found = json.loads(text)
    if isinstance(found, dict) and found.get("mediaType") == _CONFIG:
        return v1.ClientTrustConfig.from_json(text).trusted_root
    return v1.TrustedRoot.from_json(text)
