"""The account that every local emulator of Azure Storage has."""

__all__ = ["DEVELOPMENT_ACCOUNT", "DEVELOPMENT_KEY"]

DEVELOPMENT_ACCOUNT = "devstoreaccount1"
DEVELOPMENT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""Published by Microsoft for local use; it opens nothing else."""
