"""One client doing one job against `sink`, measured from inside: started by `bench_transfer`.

Prints JSON: wall seconds, CPU seconds, resident MiB before and at the peak. Clients are made, and
SDKs imported, before the clock starts.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Job = Callable[[Path], None]
THREADS = 8
MIB = 1 << 20


def ours(scheme: str, port: int, way: str, source: Path) -> Job:
    from deployer.artifact import pull_artifact, push_artifact, scan_artifact  # noqa: PLC0415
    from deployer.wiring import open_store  # noqa: PLC0415

    endpoint = f"http://127.0.0.1:{port}" + ("/devstoreaccount1" if scheme == "az" else "")
    store = open_store(f"{scheme}://bench/ours-{os.getpid()}", endpoint=endpoint)
    artifact = scan_artifact(source)
    store.head("warm-up")
    if way == "up":
        return lambda _to: void(push_artifact(artifact, store))
    push_artifact(artifact, _Marked(store))
    return lambda to: void(pull_artifact(_Marked(store), artifact.digest, to))


class _Marked:
    """Keeps the manifest, which the sink would answer with its pattern."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._put: dict[str, Any] = MANIFESTS

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, key: str, body: bytes, **options: Any) -> Any:
        from deployer.ports import StoredObject  # noqa: PLC0415

        info = self._store.put(key, body, **options)
        self._put[key] = StoredObject(body, info)
        return info

    def get(self, key: str, **options: Any) -> Any:
        return self._put.get(key) or self._store.get(key, **options)


MANIFESTS: dict[str, Any] = {}


def boto3_client(port: int) -> Any:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(max_pool_connections=16)
    session = boto3.Session()
    client: Any = session.client("s3", endpoint_url=f"http://127.0.0.1:{port}", config=config)
    client.list_objects_v2(Bucket="bench", Prefix="warm-up")
    return client


def boto3_job(port: int, way: str, source: Path) -> Job:
    client = boto3_client(port)
    if source.is_dir():
        names = [path.name for path in source.iterdir()]

        def put(name: str) -> None:
            client.put_object(Bucket="bench", Key=f"b/{name}", Body=(source / name).read_bytes())

        if way == "up":
            return lambda _to: in_threads(put, names)
        in_threads(put, names)

        def get(to: Path, name: str) -> None:
            body = client.get_object(Bucket="bench", Key=f"b/{name}")["Body"].read()
            (to / name).write_bytes(body)

        return lambda to: in_threads(lambda name: get(to, name), names)
    if way == "up":
        return lambda _to: client.upload_file(str(source), "bench", "boto3")
    client.upload_file(str(source), "bench", "boto3")
    return lambda to: client.download_file("bench", "boto3", str(to / "model"))


def obstore_job(port: int, way: str, source: Path) -> Job:
    import obstore  # noqa: PLC0415
    from obstore.store import S3Store  # noqa: PLC0415

    store = S3Store(
        "bench",
        endpoint=f"http://127.0.0.1:{port}",
        access_key_id="a",
        secret_access_key="b",
        region="us-east-1",
        client_options={"allow_http": True},
    )
    names = [path.name for path in source.iterdir()] if source.is_dir() else []

    def put(name: str) -> None:
        obstore.put(store, f"o/{name}", (source / name).read_bytes())

    def put_all(_to: Path) -> None:
        if names:
            in_threads(put, names)
        else:
            obstore.put(store, "obstore", source)

    def get(to: Path, name: str) -> None:
        (to / name).write_bytes(obstore.get(store, f"o/{name}").bytes())

    def get_all(to: Path) -> None:
        if names:
            in_threads(lambda name: get(to, name), names)
            return
        with (to / "model").open("wb") as file:
            for chunk in obstore.get(store, "obstore").stream(min_chunk_size=8 * MIB):
                file.write(chunk)

    if way == "up":
        return put_all
    put_all(source)
    return get_all


def gcs_job(port: int, way: str, source: Path) -> Job:
    from google.cloud.storage import Client, transfer_manager  # noqa: PLC0415
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    options = {"api_endpoint": f"http://127.0.0.1:{port}"}
    client = Client(project="t", client_options=options, use_auth_w_custom_endpoint=False)
    client._http.mount("http://", HTTPAdapter(pool_maxsize=16))
    bucket = client.bucket("bench")
    list(client.list_blobs("bench", prefix="warm-up"))
    threads: Any = {"worker_type": transfer_manager.THREAD, "max_workers": THREADS}
    if source.is_dir():
        names = [path.name for path in source.iterdir()]
        pairs = [(str(source / name), bucket.blob(f"g/{name}")) for name in names]

        def up(_to: Path) -> None:
            results = transfer_manager.upload_many(pairs, raise_exception=True, **threads)
            del results

        def down(to: Path) -> None:
            back = [(blob, str(to / Path(name).name)) for name, blob in pairs]
            transfer_manager.download_many(back, raise_exception=True, **threads)

        if way == "up":
            return up
        up(source)
        return down
    blob = bucket.blob("tm")

    def up_large(_to: Path) -> None:
        transfer_manager.upload_chunks_concurrently(
            str(source), blob, chunk_size=16 * MIB, **threads
        )

    def down_large(to: Path) -> None:
        blob.reload()
        transfer_manager.download_chunks_concurrently(
            blob, str(to / "model"), chunk_size=16 * MIB, **threads
        )

    if way == "up":
        return up_large
    up_large(source)
    return down_large


def azure_job(port: int, way: str, source: Path, *, checked: bool = False) -> Job:
    from azure.storage.blob import BlobServiceClient  # noqa: PLC0415

    service = BlobServiceClient(
        f"http://127.0.0.1:{port}/devstoreaccount1",
        credential={"account_name": "devstoreaccount1", "account_key": "a2V5"},
    )
    container = service.get_container_client("bench")
    list(container.list_blobs(name_starts_with="warm-up"))
    if source.is_dir():
        names = [path.name for path in source.iterdir()]

        def put(name: str) -> None:
            body = (source / name).read_bytes()
            container.upload_blob(f"a/{name}", body, overwrite=True, validate_content=checked)

        def get(to: Path, name: str) -> None:
            (to / name).write_bytes(container.download_blob(f"a/{name}").readall())

        if way == "up":
            return lambda _to: in_threads(put, names)
        in_threads(put, names)
        return lambda to: in_threads(lambda name: get(to, name), names)

    def up(_to: Path) -> None:
        with source.open("rb") as file:
            container.upload_blob(
                "sdk", file, overwrite=True, max_concurrency=THREADS, validate_content=checked
            )

    def down(to: Path) -> None:
        with (to / "model").open("wb") as file:
            container.download_blob("sdk", max_concurrency=THREADS).readinto(file)

    if way == "up":
        return up
    up(source)
    return down


def three_job(port: int, source: Path) -> Job:
    """Push one artifact to three clouds at once, counting what the disk is asked for."""
    from deployer.artifact import push_to_all, scan_artifact  # noqa: PLC0415
    from deployer.wiring import open_store  # noqa: PLC0415

    base = f"http://127.0.0.1:{port}"
    ends = {"s3": base, "gs": base, "az": f"{base}/devstoreaccount1"}
    stores = [
        open_store(f"{scheme}://bench/three-{scheme}-{os.getpid()}", endpoint=endpoint)
        for scheme, endpoint in ends.items()
    ]
    for store in stores:
        store.head("warm-up")
    artifact = scan_artifact(source)
    real = os.preadv

    def preadv(file: int, buffers: Any, offset: int, flags: int = 0) -> int:
        READ.append(count := real(file, buffers, offset, flags))
        return count

    os.preadv = preadv

    def job(_to: Path) -> None:
        for pushed in push_to_all(artifact, stores):
            if isinstance(pushed, Exception):
                raise pushed

    return job


READ: list[int] = []


def in_threads(work: Callable[[str], None], names: list[str]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, names))


def void(_result: object) -> None:
    return


def make_job(client: str, port: int, way: str, source: Path) -> Job:
    if client == "three":
        return three_job(port, source)
    if client.startswith("ours-"):
        return ours(client.removeprefix("ours-"), port, way, source)
    makers = {"boto3": boto3_job, "obstore": obstore_job, "tm": gcs_job, "azure": azure_job}
    if client == "azure-md5":
        return azure_job(port, way, source, checked=True)
    return makers[client](port, way, source)


def main() -> None:
    client, port, way, source, to = sys.argv[1:]
    job = make_job(client, int(port), way, Path(source))
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began, used = time.perf_counter(), time.process_time()
    job(Path(to))
    measured = {
        "wall": time.perf_counter() - began,
        "cpu": time.process_time() - used,
        "base": base,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "read": sum(READ),
    }
    print(json.dumps(measured), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
