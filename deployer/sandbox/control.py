"""The control path of every stand-in: faults and traffic, for tests in other processes.

``POST /-/faults`` takes a JSON list of orders (``{"fault": "reset-request", "method": "PUT",
"part": "partNumber=2", "at": 4096}``; fields as in `Order`), ``GET`` returns those that wait,
``DELETE`` forgets them. ``GET /-/traffic`` returns what was asked so far, ``DELETE`` forgets it.
No bucket, container or account can have the name ``-``.
"""

import json
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from deployer.sandbox.faults import Faults, Order
from deployer.sandbox.traffic import Traffic

__all__ = ["CONTROL", "answer_control"]

CONTROL = "/-/"
"""What the path of a request to the control path starts with."""

_ORDERS = TypeAdapter(list[Order])


def answer_control(
    method: str, path: str, body: bytes, faults: Faults, traffic: Traffic
) -> tuple[int, bytes]:
    """Return status and JSON for a request to the control path."""
    match method, path.removeprefix(CONTROL):
        case "POST", "faults":
            return _take_orders(body, faults)
        case "GET", "faults":
            return 200, _encode([asdict(order) for order in faults.pending()])
        case "DELETE", "faults":
            faults.clear()
        case "GET", "traffic":
            return 200, _encode([asdict(exchange) for exchange in traffic.seen()])
        case "DELETE", "traffic":
            traffic.clear()
        case _:
            return 404, _encode({"error": f"{method} {path} is not there"})
    return 200, _encode([])


def _take_orders(body: bytes, faults: Faults) -> tuple[int, bytes]:
    try:
        orders = _ORDERS.validate_json(body)
    except ValidationError as error:
        return 400, _encode({"error": str(error)})
    faults.add(orders)
    return 200, _encode([asdict(order) for order in orders])


def _encode(document: object) -> bytes:
    return json.dumps(document).encode()
