import pytest

from deployer.ports import Severity
from deployer.providers.kube.preflight.version import check_version


@pytest.mark.parametrize(
    ("version", "severity"),
    [
        ("v1.36.3", Severity.OK),
        ("v1.31.0-eks-1a2b", Severity.OK),
        ("v1.30.9-gke.1", Severity.WARNING),
        ("v1.22.17", Severity.ERROR),
        ("mystery", Severity.WARNING),
    ],
)
def test_a_version_is_judged_by_its_minor(version: str, severity: Severity) -> None:
    found = check_version({"gitVersion": version})
    assert found.severity is severity
    assert version in found.message
