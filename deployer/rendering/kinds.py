"""The kinds that Kubernetes itself has: what a document may be, before any server is asked.

Read off a Kubernetes 1.36 API server (`kubectl api-resources`). A kind of a group that is not here
is a custom resource's, and only the cluster knows it.
"""

from deployer.spec.faults import suggest

__all__ = ["explain_kind", "group_of", "is_cluster_wide"]

_NAMESPACED = {
    "": (
        "Binding ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate "
        "ReplicationController ResourceQuota Secret Service ServiceAccount"
    ),
    "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "authorization.k8s.io": "LocalSubjectAccessReview",
    "autoscaling": "HorizontalPodAutoscaler",
    "batch": "CronJob Job",
    "coordination.k8s.io": "Lease",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "Role RoleBinding",
    "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    "storage.k8s.io": "CSIStorageCapacity",
}

_CLUSTER = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": (
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
    ),
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "certificates.k8s.io": "CertificateSigningRequest",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
}

_BUILT_IN = frozenset(_NAMESPACED) | frozenset(_CLUSTER) | {"extensions"}


def group_of(api_version: str) -> str:
    """Return the group of ``apps/v1``: ``apps``; the core's is empty."""
    group, slash, _ = api_version.partition("/")
    return group if slash else ""


def is_cluster_wide(api_version: str, kind: str) -> bool:
    """Say whether it is one of Kubernetes' own kinds whose objects have no namespace."""
    return kind in _CLUSTER.get(group_of(api_version), "").split()


def explain_kind(api_version: str, kind: str) -> str:
    """Say why there is no such kind; nothing when there may be.

    A kind that is merely new is left to the server; one that looks misspelt is not.
    """
    group = group_of(api_version)
    known = f"{_NAMESPACED.get(group, '')} {_CLUSTER.get(group, '')}".split()
    if group not in _BUILT_IN or kind in known:
        return ""
    near = suggest(kind, known)
    if near:
        return f"there is no kind {kind} in {api_version}{near}"
    return _elsewhere(api_version, kind)


def _elsewhere(api_version: str, kind: str) -> str:
    tables = (*_NAMESPACED.items(), *_CLUSTER.items())
    homes = [group or "v1" for group, kinds in tables if kind in kinds.split()]
    return f"{kind} is of {homes[0]}, not {api_version}" if homes else ""
