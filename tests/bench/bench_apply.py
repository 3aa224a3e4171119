"""Applying a thousand objects to a real API server, against kubectl and helm in the same run.

Wall time, and the client's own processor time, which a busy machine does not blur. Half
ConfigMaps, half Deployments without pods, as kubectl's and helm's own users have them. Then
one small release to three API servers at once, and to twenty clusters of which one never answers.
Needs the tests' control plane; kubectl from the PATH; helm from the PATH, or built with Go once.
"""

import contextlib
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from deployer.execution.fence import Fence, apply_fenced
from deployer.parallel import ask_each
from deployer.ports import Applied, ApplyOptions, Manifest
from deployer.ports.applyset import set_id
from deployer.providers.kube.cluster import KubeCluster
from deployer.providers.kube.connect import connect_cluster
from deployer.providers.local.clock import SystemClock
from tests.cluster.assets import build_assets
from tests.cluster.rig import CLOUDS, ApiServer, use_control_plane

OBJECTS = int(os.environ.get("DEPLOYER_BENCH_OBJECTS", "1000"))
HELM = "helm.sh/helm/v4/cmd/helm@v4.3.1"
CLOCK = SystemClock()
FENCE = Fence("bench", 1)


def config_map(number: int, *, size: int = 10) -> Manifest:
    metadata = {"name": f"settings-{number}", "labels": {"app": "bench"}}
    data = {f"key-{n}": f"value-{n}" for n in range(size)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(number: int) -> Manifest:
    labels = {"app": "bench", "number": str(number)}
    container = {
        "name": "server",
        "image": "example.org/server:1",
        "env": [{"name": "MODE", "value": "fast"}],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"model-{number}", "labels": labels},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
    }


def objects(count: int) -> list[Manifest]:
    half = count // 2
    return [*map(config_map, range(half)), *map(deployment, range(half))]


def seconds_of(act: Callable[[], object]) -> float:
    begun = CLOCK.monotonic()
    act()
    return CLOCK.monotonic() - begun


def cpu_seconds(whose: int) -> float:
    """Return what this process, or the children that have ended, used of the processors."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


def timed(figures: dict[str, float], step: str, act: Callable[[], object], whose: int) -> None:
    """Note how long a step took, and the client's share of the processors."""
    before = cpu_seconds(whose)
    figures[step] = seconds_of(act)
    figures[f"{step} cpu"] = cpu_seconds(whose) - before


def connect(server: ApiServer, namespace: str) -> KubeCluster:
    return connect_cluster(
        namespace=namespace, clock=CLOCK, kubeconfig=server.kubeconfig, context=server.context
    )


@contextlib.contextmanager
def namespace_on(server: ApiServer) -> Iterator[str]:
    """A namespace of its own; its end is waited for, so that it is nobody else's load."""
    name, api = f"bench-{uuid.uuid4().hex[:8]}", server.api()
    about = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    api.post("/api/v1/namespaces", about)
    try:
        yield name
    finally:
        api.delete(f"/api/v1/namespaces/{name}")
        while api.find(f"/api/v1/namespaces/{name}") is not None:
            CLOCK.sleep(0.5)


# ------------------------------------------------------------------ a thousand objects


def ours(server: ApiServer) -> dict[str, float]:
    """Measure in a process of its own, so that its memory is its own."""
    with namespace_on(server) as namespace:
        words = [sys.executable, "-m", "tests.bench.bench_apply", "measure", namespace]
        about = json.dumps({"kubeconfig": server.kubeconfig, "context": server.context})
        done = subprocess.run([*words, about], capture_output=True, text=True, check=True)
        found: dict[str, float] = json.loads(done.stdout)
        return found


def measure(namespace: str, about: str) -> None:
    """What the process started by `ours` does."""
    server = ApiServer(name="bench", **json.loads(about))
    cluster, wanted = connect(server, namespace), objects(OBJECTS)
    sent = [0]
    count_requests(cluster, sent)
    dry = ApplyOptions(member_of=set_id("bench", namespace), dry_run=True)
    figures: dict[str, float] = {}
    me = resource.RUSAGE_SELF
    timed(figures, "create", lambda: apply_fenced(cluster, wanted, FENCE), me)
    before = sent[0]
    timed(figures, "again", lambda: check_unchanged(apply_fenced(cluster, wanted, FENCE)), me)
    figures["requests"] = sent[0] - before
    changed = [{**m, "data": {"a": "b"}} if m["kind"] == "ConfigMap" else m for m in wanted]
    timed(figures, "diff", lambda: cluster.apply_all(changed, dry), me)
    rss = resource.getrusage(me).ru_maxrss / 1024
    print(json.dumps({**figures, "rss": rss}))


def count_requests(cluster: KubeCluster, sent: list[int]) -> None:
    """Count what goes through the client's connections, below the adapter."""
    pool: Any = cluster._api._connected().rest_client.pool_manager
    inner = pool.urlopen

    def urlopen(*arguments: Any, **options: Any) -> Any:
        sent[0] += 1
        return inner(*arguments, **options)

    pool.urlopen = urlopen


def check_unchanged(results: Sequence[Any]) -> None:
    assert {result.applied for result in results} == {Applied.UNCHANGED}


def kubectl(server: ApiServer, file: Path) -> dict[str, float]:
    with namespace_on(server) as namespace:
        base = ["kubectl", "--kubeconfig", server.kubeconfig, "-n", namespace]
        apply = [*base, "apply", "--server-side", "-f", str(file)]
        figures: dict[str, float] = {}
        timed(figures, "create", lambda: run(apply), resource.RUSAGE_CHILDREN)
        timed(figures, "again", lambda: run(apply), resource.RUSAGE_CHILDREN)
        changed = file.with_suffix(".changed.yaml")
        half = OBJECTS // 2
        settings = [{**config_map(n), "data": {"a": "b"}} for n in range(half)]
        write_documents(changed, [*settings, *map(deployment, range(half))])
        diff = [*base, "diff", "--server-side", "-f", str(changed)]
        timed(figures, "diff", lambda: run(diff, 1), resource.RUSAGE_CHILDREN)
        return figures


def helm(server: ApiServer, program: str, chart: Path) -> dict[str, float]:
    with namespace_on(server) as namespace:
        base = [program, "--kubeconfig", server.kubeconfig, "-n", namespace]
        install = [*base, "install", "bench", str(chart)]
        upgrade = [*base, "upgrade", "bench", str(chart)]
        figures: dict[str, float] = {}
        timed(figures, "create", lambda: run(install), resource.RUSAGE_CHILDREN)
        timed(figures, "again", lambda: run(upgrade), resource.RUSAGE_CHILDREN)
        return figures


def run(words: Sequence[str], code: int = 0) -> None:
    done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode == code, done.stderr.decode()[-500:]


def write_documents(file: Path, items: Sequence[Manifest]) -> None:
    """Write one file of many documents, as ``kustomize build`` does; JSON is YAML."""
    file.write_text("\n---\n".join(json.dumps(item) for item in items))


def write_chart(folder: Path) -> Path:
    (folder / "templates").mkdir(parents=True)
    chart = {"apiVersion": "v2", "name": "bench", "version": "0.1.0"}
    (folder / "Chart.yaml").write_text(json.dumps(chart))
    for number, manifest in enumerate(objects(OBJECTS)):
        (folder / "templates" / f"{number}.yaml").write_text(json.dumps(manifest))
    return folder


def find_helm() -> str | None:
    """Return helm: the user's own, or one built into the user's cache, once."""
    if found := shutil.which("helm"):
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "deployer" / "peers" / HELM.rpartition("@")[2].replace("v", "helm-")
    if not (folder / "helm").exists() and shutil.which("go"):
        environment = os.environ | {"GOBIN": str(folder), "CGO_ENABLED": "0", "GOFLAGS": ""}
        subprocess.run(["go", "install", HELM], env=environment, check=True)
    return str(folder / "helm") if (folder / "helm").exists() else None


def compare_peers(server: ApiServer, folder: Path) -> None:
    mine = ours(server)
    print(f"{f'{OBJECTS} objects, seconds':24s}{''.join(f'{name:>11s}' for name in _COLUMNS)}")
    show("deployer", mine)
    for name, find, act in (
        ("kubectl", shutil.which("kubectl"), partial(peer_kubectl, server, folder)),
        ("helm", find_helm(), partial(peer_helm, server, folder)),
    ):
        if find is None:
            print(f"{name:24s}  not on this machine")
            continue
        theirs = act(find)
        show(name, theirs)
        ratios = {key: theirs[key] / mine[key] for key in theirs}
        show(f"ratio to {name}", ratios)
    per_object = mine["requests"] / OBJECTS
    print(f"requests per object of an unchanged re-apply  {per_object:6.3f}   (limit 1)")
    print(f"memory, MiB                                   {mine['rss']:6.0f}   (limit 200)")


def peer_kubectl(server: ApiServer, folder: Path, _program: str) -> dict[str, float]:
    file = folder / "objects.yaml"
    write_documents(file, objects(OBJECTS))
    return kubectl(server, file)


def peer_helm(server: ApiServer, folder: Path, program: str) -> dict[str, float]:
    return helm(server, program, write_chart(folder / "chart"))


def show(name: str, figures: dict[str, float]) -> None:
    cells = [f"{figures[key]:11.2f}" if key in figures else f"{'-':>11s}" for key in _COLUMNS]
    print(f"{name:24s}{''.join(cells)}", flush=True)


_COLUMNS = ("create", "again", "diff", "create cpu", "again cpu", "diff cpu")


# ------------------------------------------------------------------ several clusters


def release(count: int = 30) -> list[Manifest]:
    return objects(count)


def side_by_side(servers: Sequence[ApiServer]) -> None:
    """Apply the same to three API servers at once; the whole against its slowest part."""
    with contextlib.ExitStack() as stack:
        spaces = [stack.enter_context(namespace_on(server)) for server in servers]
        clusters = [connect(s, name) for s, name in zip(servers, spaces, strict=True)]
        for cluster in clusters:
            cluster.describe()
        took: dict[str, float] = {}

        def apply(name: str, cluster: KubeCluster) -> None:
            took[name] = seconds_of(lambda: apply_fenced(cluster, release(300), FENCE))

        calls = {s.name: partial(apply, s.name, c) for s, c in zip(servers, clusters, strict=True)}
        whole = seconds_of(lambda: ask_each(calls, timeout_seconds=300, what="apply"))
    slowest = max(took.values())
    print(f"3 API servers at once: {whole:.2f} s, the slowest of them {slowest:.2f} s")
    print(f"ratio to the slowest                          {whole / slowest:6.2f}   (limit 1.15)")


def with_a_black_hole(server: ApiServer, folder: Path) -> None:
    """Apply to twenty clusters, then to the same of which one accepts and never answers."""
    silent = socket.create_server(("127.0.0.1", 0))
    kubeconfig = folder / "silent.json"
    text = Path(server.kubeconfig).read_text()
    url = f"https://127.0.0.1:{silent.getsockname()[1]}"
    kubeconfig.write_text(text.replace(server.url, url))
    hole = ApiServer("hole", str(kubeconfig), server.context)
    with contextlib.ExitStack() as stack:
        spaces = [stack.enter_context(namespace_on(server)) for _ in range(20)]
        rounds = [
            [nineteen(server, hole, spaces, holed=holed) for holed in (False, True)]
            for _ in range(5)
        ]
    well, holed = (min(times) for times in zip(*rounds, strict=True))
    silent.close()
    print(f"19 clusters beside one: well {well:.2f} s, black-holed {holed:.2f} s")
    print(f"ratio to all well                             {holed / well:6.2f}   (limit 1.10)")


def nineteen(server: ApiServer, hole: ApiServer, spaces: Sequence[str], *, holed: bool) -> float:
    """Return when the last of the nineteen was done; the twentieth may be a black hole."""
    clusters = [connect(server, space) for space in spaces]
    if holed:
        clusters[-1] = connect(hole, spaces[-1])
    done: list[float] = []
    begun = CLOCK.monotonic()

    def apply(cluster: KubeCluster) -> None:
        apply_fenced(cluster, release(6), FENCE)
        done.append(CLOCK.monotonic() - begun)

    calls = {str(n): partial(apply, cluster) for n, cluster in enumerate(clusters)}
    ask_each(calls, timeout_seconds=20, what="apply")
    return sorted(done)[18]


def main() -> None:
    folder = Path(os.environ.get("DEPLOYER_TEST_CONTROL_PLANE") or tempfile.mkdtemp())
    with (
        tempfile.TemporaryDirectory() as scratch,
        use_control_plane(folder.absolute(), build_assets(print)) as plane,
    ):
        first = plane.start(CLOUDS[0])[0]
        compare_peers(first, Path(scratch))
        with_a_black_hole(first, Path(scratch))
        side_by_side(plane.start(*CLOUDS))


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(*sys.argv[2:4])
    else:
        main()
