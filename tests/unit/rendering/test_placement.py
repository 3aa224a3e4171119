import pytest

from deployer.rendering.placement import place_pods
from deployer.spec.library import load_overlay
from deployer.spec.placement import Nodes

SPOT = Nodes(spot=True)


def terms_of(nodes: Nodes, overlay: str, gpu: int = 0) -> list[dict[str, str]]:
    """Return what is alternatively asked of a node: its labels."""
    placed = place_pods(nodes, load_overlay(overlay), gpu=gpu)
    required = placed["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return [
        {item["key"]: item["values"][0] for item in term["matchExpressions"]}
        for term in required["nodeSelectorTerms"]
    ]


@pytest.mark.parametrize("overlay", ["aws", "gcp", "azure", "kubernetes", "local"])
def test_pods_without_wishes_go_anywhere(overlay: str) -> None:
    assert place_pods(Nodes(), load_overlay(overlay), gpu=0) == {}


def test_any_label_of_a_choice_will_do() -> None:
    assert terms_of(SPOT, "aws") == [
        {"eks.amazonaws.com/capacityType": "SPOT"},
        {"karpenter.sh/capacity-type": "spot"},
    ]


def test_each_choice_has_to_be_met() -> None:
    nodes = Nodes(spot=True, pool="gpu", accelerator="nvidia-l4")
    [term] = terms_of(nodes, "gcp", gpu=1)
    assert term == {
        "cloud.google.com/gke-spot": "true",
        "cloud.google.com/gke-nodepool": "gpu",
        "cloud.google.com/gke-accelerator": "nvidia-l4",
    }
    both = terms_of(Nodes(spot=True, pool="a"), "aws")
    assert len(both) == 4
    assert all(len(term) == 2 for term in both)


def test_a_model_without_a_gpu_asks_for_no_kind_of_it() -> None:
    assert place_pods(Nodes(accelerator="l4"), load_overlay("aws"), gpu=0) == {}


def test_taints_of_spot_and_gpu_nodes_are_tolerated_together() -> None:
    placed = place_pods(SPOT, load_overlay("azure"), gpu=1)
    assert [item["key"] for item in placed["tolerations"]] == [
        "kubernetes.azure.com/scalesetpriority",
        "nvidia.com/gpu",
        "sku",
    ]
