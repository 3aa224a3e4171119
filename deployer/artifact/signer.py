"""Who must have signed a model."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Identity", "Signer"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whom an OpenID Connect issuer vouched for: sigstore's keyless signing."""

    name: str
    """An e-mail address, or the URI of a workload such as a CI workflow; compared exactly."""
    issuer: str
    """The issuer's URL; compared exactly."""
    trust: Path | None = None
    """A trusted root of sigstore; the one that the package ships when None."""

    def __str__(self) -> str:
        return f"{self.name} of {self.issuer}"


Signer = Path | Identity
"""A public key or an authority's certificate in PEM; or an identity."""
