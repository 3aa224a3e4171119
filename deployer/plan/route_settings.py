"""What a release tells routers, from the spec."""

from collections.abc import Mapping
from pathlib import Path

from deployer.errors import Fault, SpecError
from deployer.plan.tiers import tiers_of
from deployer.release.records import RouteSettings
from deployer.release.steering import (
    CheckRecord,
    CorsRecord,
    GuardRecord,
    KeyRecord,
    MatchRecord,
    RateRecord,
    RegionRecord,
    TokensRecord,
)
from deployer.snapshot.model import Snapshot
from deployer.spec import Spec
from deployer.spec.guard import Cors, Guard, Key, Rate, Tokens, parse_public_keys
from deployer.spec.routing import AnswerCheck, Routing
from deployer.values import Json

__all__ = ["guard_of", "make_settings", "settings_of"]


def make_settings(spec: Spec, snapshot: Snapshot, *, health_path: str) -> RouteSettings:
    """Return how routers shall treat the backends of a release.

    Raises:
        SpecError: The file of public keys that the guard names can't be used.
    """
    tiers = tiers_of(spec, snapshot)
    return settings_of(spec.routing, spec.file, tiers=tiers, health_path=health_path)


def settings_of(
    routing: Routing, file: Path, *, tiers: Mapping[str, int], health_path: str
) -> RouteSettings:
    """Return what the block ``routing`` of a file tells routers.

    Raises:
        SpecError: The file of public keys that the guard names can't be used.
    """
    return RouteSettings(
        policy=routing.policy,
        tiers=dict(tiers),
        max_in_flight=routing.max_in_flight,
        idempotent=routing.idempotent,
        health_path=health_path,
        region=RegionRecord(
            header=routing.region.header or "", default=routing.region.default or ""
        ),
        sticky=routing.sticky or "",
        match=tuple(MatchRecord(**match.model_dump()) for match in routing.match),
        shadow=dict(routing.shadow),
        check=_check(routing.check) if routing.check else None,
        host=routing.host or "",
        path=routing.path,
        strip=routing.strip,
        guard=guard_of(routing.guard, file),
    )


def guard_of(guard: Guard | None, file: Path) -> GuardRecord | None:
    """Return who may ask, with the public keys that tokens are checked by; None is anybody.

    Args:
        file: Where the guard is written: other files are relative to its folder.

    Raises:
        SpecError: The file of public keys can't be used.
    """
    if guard is None:
        return None
    return GuardRecord(
        header=guard.header,
        keys=tuple(_key(key) for key in guard.keys),
        tokens=_tokens(guard.tokens, file) if guard.tokens else None,
        rate=_rate(guard.rate),
        cors=_cors(guard.cors) if guard.cors else None,
        public=guard.public,
    )


def _check(check: AnswerCheck) -> CheckRecord:
    return CheckRecord(**check.model_dump())


def _key(key: Key) -> KeyRecord:
    return KeyRecord(name=key.name, sha256=key.sha256, rate=_rate(key.rate), paths=key.paths)


def _rate(rate: Rate | None) -> RateRecord | None:
    return RateRecord(per_second=rate.per_second, burst=rate.burst) if rate else None


def _cors(cors: Cors) -> CorsRecord:
    return CorsRecord(
        origins=cors.origins,
        methods=cors.methods,
        headers=cors.headers,
        max_age_seconds=int(cors.max_age),
    )


def _tokens(tokens: Tokens, file: Path) -> TokensRecord:
    return TokensRecord(
        keys=_read_keys(file.parent / Path(tokens.jwks).expanduser(), file),
        algorithm=tokens.algorithm,
        issuer=tokens.issuer or "",
        audience=tokens.audience or "",
        leeway_seconds=tokens.leeway,
    )


def _read_keys(keys: Path, file: Path) -> Json:
    try:
        return parse_public_keys(keys.read_text())
    except (OSError, ValueError) as error:
        why = f"{keys}: {error.strerror if isinstance(error, OSError) else error}"
        place = "routing.guard.tokens.jwks"
        raise SpecError(
            f"{file}: {place}: {why}", file=file, faults=[Fault(1, 1, place, why)]
        ) from error
