"""Signatures of models by the OpenSSF's model signing, verified with a public key, offline.

The signature lies beside the model's files (``model.sig``) and is an ordinary file of the artifact,
so that it goes wherever they go.
"""

from pathlib import Path

from deployer.errors import IntegrityError, SetupError, SourceError

__all__ = ["SIGNATURE", "verify_signature"]

SIGNATURE = "model.sig"
"""The name that model signing gives a signature."""


def verify_signature(model: Path, key: Path, signature: Path | None = None) -> None:
    """Return when the model's very files, no more and no fewer, were signed with the key's owner.

    Args:
        model: A folder, or one file.
        key: The public key, in PEM; elliptic curve.
        signature: The signature; ``model.sig`` in or beside the model when left out.

    Raises:
        SetupError: The extra ``signing`` is not installed.
        SourceError: Key or signature cannot be read.
        IntegrityError: The signature is another key's, or of other files.
    """
    try:
        from model_signing import hashing, verifying  # noqa: PLC0415 - an extra, and slow
    except ImportError as error:
        raise SetupError(
            "verifying signatures needs packages that are not installed",
            hint="pip install 'deployer[signing]'",
        ) from error
    bundle = signature or (model if model.is_dir() else model.parent) / SIGNATURE
    for path in (key, bundle):
        if not path.is_file():
            raise SourceError(f"there is no {path}")
    ignored = hashing.Config()  # type: ignore[no-untyped-call]
    ignored.set_ignored_paths(paths=[bundle], ignore_git_paths=False)
    verifier = verifying.Config()  # type: ignore[no-untyped-call]
    verifier.use_elliptic_key_verifier(public_key=key)
    try:
        verifier.set_hashing_config(ignored).verify(model, bundle)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"{model} is not what was signed: {_first_line(error)}",
            hint=f"It was checked with {bundle} and the key {key}.",
        ) from error


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:240]
