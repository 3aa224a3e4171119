"""What a user may write about who signed the model."""

from typing import Annotated

from pydantic import Discriminator, Field, Tag

from deployer.spec.part import Part
from deployer.spec.scalars import HTTP, Text

__all__ = ["Signer", "SignerSpec"]


class SignerSpec(Part):
    """Somebody who signed without a key of their own: sigstore's keyless signing."""

    identity: Text = Field(
        description="An e-mail address, or the URI of a workload such as a CI workflow; exactly."
    )
    issuer: str = Field(
        pattern=HTTP, description="The OpenID Connect issuer that vouched for it; exactly."
    )
    trust: Text | None = Field(
        None, description="A trusted root of sigstore; the one its package ships when left out."
    )


def _signer_tag(value: object) -> str:
    return "(file)" if isinstance(value, str) else "(identity)"


Signer = Annotated[
    Annotated[Text, Tag("(file)")] | Annotated[SignerSpec, Tag("(identity)")],
    Discriminator(_signer_tag),
]
"""A file with a key or certificate, or an identity."""
