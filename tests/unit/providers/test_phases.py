from deployer.providers.phases import in_phases, is_workload, phase_of


def test_what_is_referred_to_goes_first() -> None:
    kinds = ["Ingress", "Deployment", "Service", "ConfigMap", "Widget", "Namespace", "Secret"]
    kinds += ["CustomResourceDefinition", "HorizontalPodAutoscaler"]
    phases = in_phases([{"kind": kind} for kind in kinds])
    assert [[manifest["kind"] for manifest in phase] for phase in phases] == [
        ["Namespace"],
        ["CustomResourceDefinition"],
        ["ConfigMap", "Secret"],
        ["Service"],
        ["Deployment", "Widget"],
        ["Ingress", "HorizontalPodAutoscaler"],
    ]


def test_a_kind_that_nobody_foresaw_counts_as_a_workload() -> None:
    assert phase_of("InferenceService") == phase_of("Deployment")
    assert is_workload("InferenceService")
    assert not is_workload("ConfigMap")
