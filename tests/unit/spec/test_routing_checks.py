from collections.abc import Callable

import pytest

from deployer.spec import Spec
from deployer.spec.guard import parse_public_keys

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]
HASH = "0" * 64


@pytest.mark.parametrize(
    ("routing", "message"),
    [
        ("{region: {default: us-east-1}}", "routing.region: region is for policy: region"),
        ("{policy: region}", "routing.policy: policy: region needs targets with a region"),
        ("{shadow: {else: 5}}", "routing.shadow.else: no target is called 'else'"),
        ("{shadow: {here: 5}}", "routing.shadow.here: 'here' would answer requests, too"),
        ("{shadow: {here: 0}}", "routing.shadow.here: expected more than 0"),
        ("{strip: true}", "routing.strip: without a path there is nothing to strip"),
        ("{check: {}}", "routing.check: give status, pointer, pattern or absent"),
        ("{check: {pattern: '('}}", "routing.check.pattern: expected a regular expression"),
        ("{check: {pointer: a}}", "routing.check.pointer: expected a place in JSON such"),
        ("{match: [{header: X, value: y}]}", "routing.match[0]: give targets or a release"),
        ("{sticky: 'X Y'}", "routing.sticky: expected a header's name"),
        ("{host: 'Iris.Example'}", "routing.host: expected a host name in small letters"),
        ("{guard: {}}", "routing.guard: it guards nothing"),
        ("{guard: {rate: {per_second: 1}, public: [/x]}}", "routing.guard.public: without keys"),
        ("{guard: {keys: [{name: a, sha256: x}]}}", "expected 64 hexadecimal digits"),
    ],
)
def test_what_does_not_fit_together_is_said(
    faults: Faults, small: str, routing: str, message: str
) -> None:
    assert any(message in line for line in faults(f"{small}routing: {routing}\n"))


def test_two_keys_need_two_names_and_two_hashes(faults: Faults, small: str) -> None:
    keys = f"[{{name: a, sha256: '{HASH}'}}, {{name: a, sha256: '{HASH}'}}]"
    said = faults(f"{small}routing: {{guard: {{keys: {keys}}}}}\n")
    assert [line.partition("two keys")[2][:12] for line in said] == [" have the na", " have the sh"]


def test_the_whole_of_it_can_be_said_at_once(load: Load, small: str) -> None:
    routing = load(
        f"""{small.replace("    provider", "    region: here" + chr(10) + "    provider")}routing:
  policy: region
  region: {{header: X-Region, default: eu-west-1}}
  sticky: X-User
  match: [{{header: X-Cohort, value: beta, release: canary}}]
  check: {{status: [200], pointer: /outputs, absent: '"error"', first_bytes: 1024}}
  host: iris.example.com
  path: /iris
  strip: true
  guard:
    keys: [{{name: mobile, sha256: '{HASH}', rate: {{per_second: 5, burst: 10}}, paths: [/v2]}}]
    tokens: {{jwks: ./jwks.json, algorithm: ES256, issuer: us, leeway: 1m}}
    rate: {{per_second: 0.5}}
    cors: {{origins: ["https://app.example.com"], max_age: 1h}}
    public: [/v2/health/]
"""
    ).routing
    assert routing.guard is not None
    assert routing.guard.tokens is not None
    assert (routing.guard.tokens.leeway, routing.path) == (60.0, "/iris")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "at least one key"),
        ('{"keys": []}', "at least one key"),
        ('{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "only public ones"),
        ('{"keys": [{"kty": "EC", "x": "a", "d": "b"}]}', "only public ones"),
        ("no", "Expecting value"),
    ],
)
def test_only_public_keys_are_taken(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_public_keys(text)
