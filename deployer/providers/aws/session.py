"""The SDK's sessions: each reads the machine's settings anew, all read Amazon's models once."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.loaders import Loader

__all__ = ["open_session"]


def open_session() -> "Session":
    """Return a session with the settings and the login of this moment.

    What a service can do is a megabyte of JSON that the SDK reads for every session; here it is
    read once by this process, and each client after the first is made in a third of the time.

    Raises:
        ImportError: The SDK is not installed.
    """
    import botocore.session
    from boto3.session import Session

    core = botocore.session.Session()
    core.register_component("data_loader", _open_loader(core.get_config_variable("data_path")))
    return Session(botocore_session=core)


@cache
def _open_loader(data_path: str | None) -> "Loader":
    from botocore.loaders import create_loader

    return create_loader(data_path)
