"""The spec that ``deployer init`` writes: commented, and valid as it stands."""

import re
from collections.abc import Sequence
from pathlib import Path

from deployer.errors import SourceError
from deployer.spec.scalars import LABEL, PATTERN_WORDS
from deployer.spec.terraform import Outputs, describe_target
from deployer.values import Cloud

__all__ = ["IDENTITY_FILE", "draft_identity", "draft_spec", "draft_terraform", "write_draft"]

IDENTITY_FILE = "identity.yaml"
"""The patch beside the spec that binds the pods to the clouds' identities."""


def draft_spec(name: str, clouds: Sequence[Cloud]) -> str:
    """Return a commented ``deployer.yaml`` with one target per cloud, which `load_spec` accepts.

    Raises:
        SourceError: ``name`` is no name for a deployment.
    """
    if not re.fullmatch(LABEL, name):
        raise SourceError(f"{name!r} cannot be a name: expected {PATTERN_WORDS[LABEL]}")
    targets = "".join(_TARGETS[cloud].replace("NAME", name) for cloud in clouds)
    return _HEAD.replace("NAME", name) + targets + _TAIL


def draft_terraform(name: str, outputs: Outputs) -> str:
    """Return a ``deployer.yaml`` with the targets that Terraform built; `load_spec` accepts it."""
    targets = "".join(describe_target(target) for target in outputs.targets)
    patches = f"patches: [./{IDENTITY_FILE}]  # who the pods are to their clouds\n"
    tail = _TAIL + (patches if outputs.annotations else "")
    return _HEAD.replace("NAME", name) + targets + tail


def draft_identity(name: str, outputs: Outputs) -> str:
    """Return the patch of the ServiceAccount; empty when no cloud needs one."""
    if not outputs.annotations:
        return ""
    pairs = "".join(f"    {key}: {value}\n" for key, value in sorted(outputs.annotations.items()))
    return _IDENTITY.replace("NAME", name) + pairs


def write_draft(file: Path, text: str) -> None:
    """Write a new file; one that is there is never overwritten.

    Raises:
        SourceError: It is there, or cannot be written.
    """
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise SourceError(f"{file} is there already", hint="-f names another file.") from error
    except OSError as error:
        raise SourceError(f"cannot write {file}: {error.strerror}") from error


_HEAD = """\
# One model, served from every target below. `deployer schema` prints every key there is;
# `deployer plan` shows what a deploy would do, and touches nothing.
name: NAME

model:
  path: ./model               # a file or a folder; paths are relative to this file
  # format: sklearn           # guessed from the files when left out

# mlserver-xgboost, -lightgbm or -mlflow, triton-onnx, triton-pytorch, tensorflow-serving, vllm, …;
# or your own server: {image: …, port: 8080, health: /ready, protocol: custom}
runtime: mlserver-sklearn

service:
  replicas: {min: 2}          # copies per target; with max: 6 more when processors are busy
  resources: {cpu: "1", memory: 1Gi}    # gpu: 1; disk: 100Gi for a volume of its own
  # env: {LOG_LEVEL: info}    # recorded with every release: no secrets here
  # monitor: {}               # a ServiceMonitor for the Prometheus operator

targets:                      # names are yours, and stay: the records know targets by them
"""

_IDENTITY = """\
# Written from Terraform's outputs. Each cloud reads its own keys and passes over the others'.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: NAME
  annotations:
"""

_TARGETS = {
    Cloud.AWS: """\
  - name: aws-virginia
    provider: aws
    region: us-east-1
    machine: m6i.large        # what a node is, for prices
    store: s3://NAME-models   # the bucket, with a prefix if you like
    cluster: {context: aws-virginia}    # a context of your kubeconfig
    namespace: default
    # expose: internal        # or {ingress: {host: …}}, {gateway: {host: …, name: …}}, cluster
    # identity: arn:aws:iam::123456789012:role/NAME    # what the pods may read the bucket as
    # nodes: {spot: true, pool: …, accelerator: l4}
""",
    Cloud.GCP: """\
  - name: gcp-iowa
    provider: gcp
    region: us-central1
    machine: e2-standard-2
    store: gs://NAME-models
    cluster: {context: gcp-iowa}
    namespace: default
    # identity: NAME@PROJECT.iam.gserviceaccount.com
    # nodes: {spot: true, pool: …, accelerator: nvidia-l4}
""",
    Cloud.AZURE: """\
  - name: azure-virginia
    provider: azure
    region: eastus
    machine: Standard_D2s_v5
    store: az://NAME-models   # the container; the account is AZURE_STORAGE_ACCOUNT
    cluster: {context: azure-virginia}
    namespace: default
    # identity: 00000000-0000-0000-0000-000000000000   # a managed identity's client id
    # nodes: {spot: true, pool: …}
""",
    Cloud.KUBERNETES: """\
  - name: on-premises
    provider: kubernetes      # any cluster, and any store that speaks S3
    store: {url: s3://NAME-models, endpoint: "https://s3.example.com"}
    cluster: {context: on-premises}
    namespace: default
""",
    Cloud.LOCAL: """\
  - name: here
    provider: local           # this machine: a folder as the store, processes as pods
    store: file://.deployer/store    # a folder, relative to this file
    cluster: {local: .deployer/cluster}
""",
}

_TAIL = """
strategy: {type: blue-green, soak: 60s}    # the old release stays this long after the shift
# strategy: {type: canary, steps: [5, 25, 50], hold: 2m}    # percent, by routers of deployer
gates:
  smoke: {}                   # {requests: examples.json}: predictions with expected answers
  # evaluate: {dataset: holdout.csv, thresholds: {f1_macro: 0.9}}    # labelled rows, scored
  # analysis: {router: "http://…", error_rate: 1%, worse: 0.5%}    # what users get, by a router
  # parity: {}                # the same answers on every target, before any takes traffic
routing:
  idempotent: true            # a prediction may be sent to a second target when the first fails
  # weights: {…}              # each target's share; equal when left out
# patches: [./k8s]            # your own objects, and merges of ours by their names
"""
