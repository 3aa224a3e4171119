import pytest

from deployer.providers.local.supervisor.images import find_command
from deployer.providers.local.supervisor.problems import ContainerError

MLSERVER = ["mlserver", "start", "/mnt/models"]


@pytest.mark.parametrize(
    "image",
    [
        "docker.io/seldonio/mlserver:1.7.1-sklearn",
        "seldonio/mlserver",
        "seldonio/mlserver@sha256:00",
    ],
)
def test_the_shipped_table_knows_mlserver_by_any_spelling(image: str) -> None:
    assert find_command({"image": image}, {}) == MLSERVER


def test_a_command_of_the_container_goes_first() -> None:
    container = {"image": "seldonio/mlserver", "command": ["a"], "args": ["b"]}
    assert find_command(container, {}) == ["a", "b"]


def test_args_replace_all_but_the_program_of_an_entrypoint() -> None:
    container = {"image": "deployer:0.1.0", "args": ["pull", "s3://a/b"]}
    assert find_command(container, {}) == ["deployer", "pull", "s3://a/b"]


def test_the_clusters_own_table_wins_with_the_longest_prefix() -> None:
    own = {"seldonio/mlserver": ["/venv/mlserver"], "seldonio": ["no"]}
    assert find_command({"image": "seldonio/mlserver:1"}, own) == ["/venv/mlserver"]


def test_a_registry_with_a_port_is_no_tag() -> None:
    own = {"registry.example:5000/a/b": ["b"]}
    assert find_command({"image": "registry.example:5000/a/b:1"}, own) == ["b"]


def test_an_unknown_image_is_not_guessed() -> None:
    with pytest.raises(ContainerError, match=r"images\.json") as problem:
        find_command({"image": "nginx"}, {})
    assert problem.value.reason == "ErrImagePull"
