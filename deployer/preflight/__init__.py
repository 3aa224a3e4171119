"""Looks everything over before a release: clusters and stores, side by side, nothing changed.

What is found is said all at once. A deploy makes the cheap part of it before it plans.
"""

from deployer.preflight.look import Checkup, check_targets, refuse_errors

__all__ = ["Checkup", "check_targets", "refuse_errors"]
