"""Which command stands for an image's entrypoint: there are no images on a bare machine."""

from collections.abc import Mapping, Sequence

from deployer.ports import Manifest
from deployer.providers.local.supervisor.problems import ContainerError

__all__ = ["SHIPPED", "find_command"]

SHIPPED: Mapping[str, Sequence[str]] = {
    "seldonio/mlserver": ("mlserver", "start", "/mnt/models"),
    "deployer": ("deployer",),
}
"""Image repositories (without registry ``docker.io`` and tag) and their entrypoints.

MLServer's image runs ``mlserver start $MLSERVER_MODELS_DIR``, ``/mnt/models`` by default.
"""


def find_command(container: Manifest, images: Mapping[str, Sequence[str]]) -> list[str]:
    """Return command and arguments, unexpanded; ``images`` goes before what is shipped.

    Raises:
        ContainerError: It has no command, and nobody knows the image.
    """
    args = [str(word) for word in container.get("args") or ()]
    if command := container.get("command"):
        return [str(word) for word in command] + args
    image = str(container.get("image", ""))
    repository = _repository(image)
    known = {**SHIPPED, **images}
    prefixes = [prefix for prefix in known if repository.startswith(_repository(prefix))]
    if not prefixes:
        raise ContainerError(
            "ErrImagePull",
            f"nothing stands for image {image!r} on a local cluster: give the container a command, "
            "or name one for the image in the cluster's images.json",
        )
    words = list(known[max(prefixes, key=len)])
    return words[:1] + args if args else words


def _repository(image: str) -> str:
    name = image.partition("@")[0]
    head, slash, tail = name.rpartition("/")
    name = f"{head}{slash}{tail.partition(':')[0]}"
    return name.removeprefix("docker.io/").removeprefix("library/")
