"""JSON that another program wrote, as an argument of a command."""

import json
from pathlib import Path

from deployer.errors import SourceError
from deployer.values import Json

__all__ = ["read_json"]


def read_json(file: Path) -> Json:
    """Return what is in ``file``.

    Raises:
        SourceError: It cannot be read, or is not JSON.
    """
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        hint = "terraform show -json and terraform output -json print some."
        raise SourceError(f"{file} is not JSON", hint=hint) from error
