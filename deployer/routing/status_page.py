"""The router's page for people: one file without a reference to anywhere else."""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from deployer.routing.messages import Document

__all__ = ["load_status_page"]


@cache
def load_status_page() -> Document:
    """Return the page. Its policy lets it run only what is in it and ask only its own router."""
    text = files("deployer.routing").joinpath("status_page.html").read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash_of('script', text)}; "
        f"style-src {_hash_of('style', text)}; "
        "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
    return Document(text.encode(), "text/html; charset=utf-8", headers)


def _hash_of(element: str, text: str) -> str:
    """Return the source expression of an inline element (CSP level 2, 4.2.4)."""
    found = re.search(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
    content = found[1] if found else ""
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
