"""Which artifacts any recorded release refers to, whoever's deployment it is of."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deployer.errors import StateError
from deployer.ports import Clock, ObjectStore
from deployer.release.quorum import Quorum
from deployer.release.records import Bundle, decode_record
from deployer.values import Digest

__all__ = ["Reference", "References", "read_references"]

_KEY = re.compile(r"deployer/(?P<name>[^/]+)/releases/\d{6,}\.json")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One release of one deployment."""

    name: str
    release: int


@dataclass(frozen=True, slots=True)
class References:
    """What is referred to.

    Attributes:
        releases: By artifact, every release that refers to it.
        places: By artifact, the URIs at which releases expect it.
        unread: The stores that did not answer, each with the reason.
    """

    releases: Mapping[Digest, frozenset[Reference]]
    places: Mapping[Digest, frozenset[str]]
    unread: Mapping[str, str] = field(default_factory=dict)


def read_references(stores: Sequence[ObjectStore], clock: Clock) -> References:
    """Read every release of every deployment in every store that answers.

    A release that only one store knows of counts: what is in doubt is referred to.

    Raises:
        StateError: A majority does not answer, or a release cannot be read by this version; then
            nobody can say what is not referred to.
    """
    answers = Quorum(stores, clock).ask_all(_read_releases, what="reading which artifacts are used")
    unread = {one.store.url: one.error.message for one in answers if one.error is not None}
    damaged = [one.error for one in answers if isinstance(one.error, StateError)]
    if damaged:
        raise damaged[0]
    releases: dict[Digest, set[Reference]] = {}
    places: dict[Digest, set[str]] = {}
    for bundle in (bundle for answer in answers for bundle in answer.value or ()):
        for digest, uris in _refers_to(bundle).items():
            releases.setdefault(digest, set()).add(Reference(bundle.name, bundle.number))
            places.setdefault(digest, set()).update(uris)
    return References(
        {digest: frozenset(found) for digest, found in releases.items()},
        {digest: frozenset(found) for digest, found in places.items()},
        unread,
    )


def _read_releases(store: ObjectStore) -> list[Bundle]:
    keys = [info.key for info in store.list("deployer/") if _KEY.fullmatch(info.key)]
    return [decode_record(Bundle, store.get(key).body, where=f"{store.url}/{key}") for key in keys]


def _refers_to(bundle: Bundle) -> dict[Digest, set[str]]:
    found: dict[Digest, set[str]] = {Digest.parse(bundle.artifact.digest): set()}
    for uri in (target.uri for target in bundle.targets):
        for text in _DIGEST.findall(uri):
            found.setdefault(Digest(text), set()).add(uri)
    return found
