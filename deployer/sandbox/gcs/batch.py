"""Many requests in one: ``POST /batch/storage/v1`` with a multipart/mixed body."""

import email
from email.message import Message

from deployer.sandbox.gcs.refusal import RefusedError
from deployer.sandbox.loopback import App, Request, Response

__all__ = ["answer_batch"]

_BOUNDARY = "batch_of_answers"


def answer_batch(request: Request, app: App) -> Response:
    """Let ``app`` answer each part; one that fails does not stop the others."""
    head = f"Content-Type: {request.header('Content-Type')}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body)
    if not message.is_multipart():
        raise RefusedError(400, "invalid", "the body is not multipart/mixed")
    answers = [_answer_part(part, app) for part in message.walk() if part is not message]
    body = b"".join(answers) + f"--{_BOUNDARY}--".encode()
    return Response(200, body, {"Content-Type": f"multipart/mixed; boundary={_BOUNDARY}"})


def _answer_part(part: Message, app: App) -> bytes:
    inner = part.get_payload(decode=True)
    head, _, body = (
        (inner if isinstance(inner, bytes) else b"").replace(b"\r\n", b"\n").partition(b"\n\n")
    )
    line, _, headers = head.decode().partition("\n")
    method, target, *_ = line.split(" ")
    answer = app(Request.of(method, target, email.message_from_string(headers), body))
    lines = [
        f"--{_BOUNDARY}",
        "Content-Type: application/http",
        f"Content-ID: response-{part['Content-ID']}",
        "",
        f"HTTP/1.1 {answer.status} answered",
        "Content-Type: application/json",
        f"Content-Length: {len(answer.body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + answer.body + b"\r\n"
