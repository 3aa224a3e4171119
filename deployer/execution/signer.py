"""Who a spec says must have signed the model."""

from deployer.artifact import Identity, Signer
from deployer.spec import SignerSpec, Spec

__all__ = ["find_signer"]


def find_signer(spec: Spec) -> Signer | None:
    """Return the model's signer, with its files where they are on this machine; None for nobody."""
    signer = spec.model.signer
    if isinstance(signer, SignerSpec):
        trust = spec.locate(signer.trust) if signer.trust else None
        return Identity(signer.identity, signer.issuer, trust)
    return spec.locate(signer) if signer else None
