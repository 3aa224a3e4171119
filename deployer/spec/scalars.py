"""The single values of a spec: durations, quantities, names; each with its pattern in words."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

__all__ = [
    "CURRENCY",
    "FIELD",
    "HEADER",
    "HOST_ONLY",
    "HTTP",
    "LABEL",
    "PATH",
    "PATTERN_WORDS",
    "PERCENT",
    "SHA256",
    "SMTP",
    "STORE",
    "VARIABLE",
    "DnsLabel",
    "Host",
    "Namespace",
    "Quantity",
    "Seconds",
    "Share",
    "Text",
]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(value: object) -> object:
    if isinstance(value, str):
        match = _DURATION.fullmatch(value.strip())
        if match is None:
            raise ValueError("expected a duration such as 30s, 2m or 500ms")
        return float(match[1]) * _UNITS[match[2]]
    return value


Seconds = Annotated[
    float,
    Field(ge=0),
    BeforeValidator(
        _seconds,
        json_schema_input_type=Annotated[str, Field(pattern=r"^\d+(\.\d+)?(ms|s|m|h|d)$")] | float,
    ),
]
"""A duration: ``30s``, ``2m``, ``500ms``, or a number of seconds."""

LABEL = r"^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$"
_NAMESPACE = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_SHARE = r"^\d{1,4}%?$"
_QUANTITY = r"^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
STORE = r"^(s3|gs|az|file)://.+"
HTTP = r"^https?://[^/]+"
PATH = r"^/"
SMTP = r"^smtps?://[^/@:]+(:\d{1,5})?$"
FIELD = r"^([a-z0-9.-]+/)*[A-Z][A-Za-z0-9]*:\.?[A-Za-z].*$"  # [group/version/]Kind:path
CURRENCY = r"^[A-Z]{3}$"
PERCENT = r"^\d+(\.\d+)?%$"
_HOST = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
HOST_ONLY = _HOST
HEADER = r"^[A-Za-z0-9][A-Za-z0-9-]*$"
SHA256 = r"^[0-9a-f]{64}$"
VARIABLE = r"^[-._A-Za-z][-._A-Za-z0-9]*$"

PATTERN_WORDS = {
    LABEL: "lower-case letters, digits and dashes, a letter first, at most 40 characters",
    _NAMESPACE: "lower-case letters, digits and dashes, at most 63 characters",
    _QUANTITY: 'a Kubernetes quantity such as "1", 500m or 2Gi',
    _SHARE: 'a whole number of pods such as 1, or a percentage such as "25%"',
    STORE: "a bucket such as s3://bucket/prefix, gs://bucket, az://container or file:///folder",
    HTTP: "a URL that begins with http:// or https://",
    PATH: "a path that begins with /",
    SMTP: "a mail server such as smtp://HOST:587 or smtps://HOST, without a login in it",
    _HOST: "a host name in small letters, such as iris.example.com",
    CURRENCY: 'a currency\'s three letters, as in "1200 USD"',
    PERCENT: 'a percentage such as "20%"',
    HEADER: "a header's name, such as X-Region",
    SHA256: "64 hexadecimal digits, as `deployer router key` prints them",
    VARIABLE: "the name of an environment variable: letters, digits, _, - and .",
}
"""Each pattern of this module in words, for the message when a value does not match."""

DnsLabel = Annotated[str, Field(pattern=LABEL)]
"""A Kubernetes name that leaves room for ``-r42`` and hashes: at most 40 characters."""

Host = Annotated[str, Field(pattern=_HOST, max_length=253)]
"""A host name, as Ingress and Gateway take it (RFC 1123)."""

Namespace = Annotated[str, Field(pattern=_NAMESPACE)]
"""A Kubernetes namespace (RFC 1123 label)."""


def _quantity(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    Field(pattern=_QUANTITY),
    BeforeValidator(
        _quantity, json_schema_input_type=Annotated[str, Field(pattern=_QUANTITY)] | float
    ),
]
"""A Kubernetes quantity; a bare number is taken as its text, as kubectl does."""

Share = Annotated[
    str,
    Field(pattern=_SHARE),
    BeforeValidator(_quantity, json_schema_input_type=Annotated[str, Field(pattern=_SHARE)] | int),
]
"""A number of pods, or a share of them: what Kubernetes takes as an IntOrString."""

Text = Annotated[str, Field(min_length=1)]
"""A string with something in it."""
