"""One artifact to several stores at once: the disk is read once for all of them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from deployer.artifact.model import Artifact
from deployer.artifact.push import Pushed, push_artifact
from deployer.errors import DeployerError
from deployer.ports import ObjectStore
from deployer.transfer import Reader, SharedReads

__all__ = ["push_to_all"]


def push_to_all(
    artifact: Artifact,
    stores: Sequence[ObjectStore],
    *,
    thorough: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Pushed | DeployerError]:
    """Push to every store, side by side; return what each push did, or why it failed, in order.

    A store that fails or hangs stops no other one. ``progress`` is told the store's place in
    ``stores``, and bytes.
    """
    tell = progress or (lambda _index, _count: None)
    reads = SharedReads(len(stores))
    readers = [reads.reader(number) for number in range(len(stores))]

    def push(index: int) -> Pushed | DeployerError:
        try:
            return push_artifact(
                artifact,
                stores[index],
                reader=readers[index],
                thorough=thorough,
                progress=lambda count: tell(index, count),
            )
        except DeployerError as error:
            return error

    with ThreadPoolExecutor(len(stores)) as pool:
        pushes = [pool.submit(push, index) for index in range(len(stores))]
        try:
            return [one.result() for one in pushes]
        except BaseException:
            _stop_all(readers)
            raise


def _stop_all(readers: Sequence[Reader]) -> None:
    for reader in readers:
        reader.stop()
