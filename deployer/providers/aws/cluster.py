"""Finding an EKS cluster by its name."""

import base64
from typing import TYPE_CHECKING, Any

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.providers.aws.errors import translated
from deployer.providers.aws.token import make_tokens, open_aws
from deployer.providers.connection import Connection

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["find_cluster"]

_TIMEOUT_SECONDS = 10


def find_cluster(name: str, *, region: str, clock: Clock, role: str | None = None) -> Connection:
    """Ask EKS where the cluster is; credentials come from the SDK's default chain.

    Args:
        region: The cluster's; the SDK's own setting when empty.
        role: The ARN of a role to take on first, for the question and for the cluster.

    Raises:
        SetupError: Nobody is logged in, or the cluster is not one to connect to.
        NotFoundError, AccessDeniedError, TransientError: As EKS says.
    """
    session = open_aws(region, role)
    place = region or session.region_name or "us-east-1"
    found = _describe(session, name, place)
    if not found.get("endpoint"):
        raise SetupError(
            f"EKS cluster {name} in {place} has no endpoint: it is {found.get('status')}",
            hint=f"Wait until it is ACTIVE: aws eks wait cluster-active --name {name}",
        )
    return Connection(
        server=found["endpoint"],
        authority=base64.b64decode(found["certificateAuthority"]["data"]).decode(),
        tokens=make_tokens(
            found.get("id") or name,
            session=lambda: open_aws(region, role),
            region=place,
            clock=clock,
        ),
    )


def _describe(session: "Session", name: str, region: str) -> Any:
    from botocore.config import Config

    config = Config(
        connect_timeout=_TIMEOUT_SECONDS,
        read_timeout=_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
    needs = f"eks:DescribeCluster on cluster {name} in {region}"
    with translated("find", f"EKS cluster {name} in {region}", needs=needs):
        client: Any = session.client("eks", region_name=region, config=config)
        return client.describe_cluster(name=name)["cluster"]
