"""Whether a certificate ends soon: what a target's endpoint showed when it was asked."""

from datetime import datetime, timedelta

from deployer.ports import Certificate
from deployer.report.evidence import Evidence, Sight

__all__ = ["see_certificate"]

_WARNED_BEFORE = timedelta(days=14)
_LAST_PART = 6
"""Renewal is due when a third of a certificate's life is left (Let's Encrypt's advice): with half
of that gone too, a sixth, it did not happen. For 90 days that is 15."""


def see_certificate(certificate: Certificate, now: datetime) -> Evidence:
    """Say until when it holds; the sight is not good when it should have been renewed by now."""
    left = certificate.ends - now
    due = min(_WARNED_BEFORE, (certificate.ends - certificate.begins) / _LAST_PART)
    sight = Sight.PARTLY if left <= due else Sight.GOOD
    return Evidence("certificate", sight, f"the certificate ends {_say(left, certificate.ends)}")


def _say(left: timedelta, ends: datetime) -> str:
    days, hours = left.days, round(left.total_seconds() / 3600)
    long = f"{days} days" if days > 1 else f"{hours} hours"
    return f"in {long}, on {ends:%Y-%m-%d}"
