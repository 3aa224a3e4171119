from collections.abc import Callable

import pytest

from deployer.spec import SignerSpec, Spec

Load = Callable[..., Spec]
Faults = Callable[..., list[str]]


def target(**fields: str) -> str:
    lines = {"provider": "aws", "store": "s3://x", "cluster": "{context: x}", **fields}
    body = "".join(f"\n    {key}: {value}" for key, value in lines.items())
    return f"name: iris\nmodel: {{path: m}}\ntargets:\n  - name: a{body}\n"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"cluster": "{}"}, "targets[0].cluster: expected one of eks, gke, aks, context"),
        ({"cluster": "{eks: a, local: b}"}, "targets[0].cluster: eks and local are two clusters"),
        ({"cluster": "{gke: a}"}, "targets[0].cluster.gke: gke is gcp's, and the provider is aws"),
        (
            {"cluster": "{aks: a}", "provider": "azure", "store": "az://x"},
            "targets[0].cluster: aks and resource_group go together",
        ),
        ({"cluster": "{context: a, resource_group: b}"}, "targets[0].cluster: aks and resource_"),
        ({"cluster": "{eks: a, project: b}"}, "targets[0].cluster.project: project goes with gke"),
        (
            {"cluster": "{eks: a, insecure: true}"},
            "targets[0].cluster.insecure: insecure goes with context or kubeconfig",
        ),
        (
            {"provider": "local", "store": "file:///x"},
            "targets[0].cluster.context: the provider local has local clusters",
        ),
        ({"store": "gs://x"}, "targets[0].store: expected s3://… for the provider aws, got gs://"),
        ({"store": "{url: az://x}"}, "targets[0].store.url: expected s3://…"),
        (
            {
                "provider": "local",
                "store": '{url: file:///x, endpoint: "http://x"}',
                "cluster": "{local: x}",
            },
            "targets[0].store.endpoint: endpoint goes with s3://, gs://, az://, not with file://",
        ),
        (
            {"provider": "azure", "store": "{url: az://x, payer: me}"},
            "targets[0].store.payer: payer goes with s3://, gs://, not with az://",
        ),
        (
            {"store": "{url: s3://x, customer_key: c2VjcmV0}"},
            "targets[0].store.customer_key: ",
        ),
        (
            {"endpoint": "https://user:hunter2@host"},
            "targets[0].endpoint: this holds a credential, and the spec is recorded",
        ),
    ],
)
def test_a_target_must_fit_together(faults: Faults, fields: dict[str, str], line: str) -> None:
    assert faults(target(**fields))[0].partition(" ")[2].startswith(line)


def test_a_context_picks_within_a_kubeconfig(load: Load) -> None:
    assert load(target(cluster="{kubeconfig: f, context: c}")).targets[0].cluster.context == "c"


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("routing: {weights: {b: 1}}", "routing.weights.b: no target is called 'b'"),
        ("routing: {weights: {a: 0}}", "routing.weights: all weights are 0"),
        ("routing: {policy: priority}", "routing.policy: policy: priority needs tiers"),
        ("routing: {tiers: [[a]]}", "routing.tiers: tiers are for policy: priority"),
        ("routing: {policy: priority, tiers: [[b], [a]]}", "routing.tiers: no target is called"),
        ("routing: {policy: priority, tiers: [[a], [a]]}", "routing.tiers: 'a' is in more than"),
        ("routing: {policy: priority, tiers: [[]]}", "routing.tiers: 'a' is in no tier"),
        ("service: {replicas: {min: 3, max: 2}}", "service.replicas.max: max is 2, below min, 3"),
        ("strategy: {type: canary, steps: [5, 5]}", "strategy.steps[1]: steps must rise"),
        ("outcome: {quorum: 2}", "outcome.quorum: a quorum of 2 of 1 targets"),
        ("runtime: other", "runtime: there is no runtime 'other'; known: mlserver-lightgbm"),
        ("service: {env: {DB_PASSWORD: hunter2}}", "service.env.DB_PASSWORD: DB_PASSWORD would be"),
        ("service: {env: {MODEL_URI: x}}", "service.env.MODEL_URI: MODEL_URI is set by deployer"),
        ("patches: [a.yaml, a.yaml]", "patches[1]: 'a.yaml' is listed twice"),
        ("service: {env: {'a b': x}}", "service.env.a b: the key 'a b': expected the name of an"),
        ("service: {env: {X: ~}}", "service.env.X: expected a string, got nothing"),
        ("service: {env: []}", "service.env: expected a map of keys and values, got an empty list"),
        ("targets: x", "the key 'targets' is there already, on line 3"),
        ("patches: x", 'patches: expected a list, got "x"'),
        ("runtime: {port: 0}", "runtime: image is missing"),
        ("runtime: 3", "runtime: expected a map of keys and values, got 3"),
        ("outcome: most", 'outcome: expected one of all, keep-going, got "most"'),
        ("strategy: {soak: -1}", "strategy.soak: expected 0 or more, got -1"),
        ("budget: {monthly: 0 USD}", 'budget.monthly: expected more than 0, got "0 USD"'),
        ("budget: {monthly: lots}", 'budget.monthly: expected an amount such as "1200 USD"'),
        ("budget: {monthly: {amount: 0}}", "budget.monthly.amount: expected more than 0, got 0"),
    ],
)
def test_fields_must_fit_together(faults: Faults, more: str, line: str) -> None:
    found = [found.partition(" ")[2] for found in faults(target() + more + "\n")]
    assert any(line in each for each in found), found


def test_a_format_that_the_runtime_does_not_serve_is_refused(faults: Faults) -> None:
    text = target().replace("{path: m}", "{path: m, format: onnx}")
    assert faults(text) == ["2:26 model.format: mlserver-sklearn serves sklearn, not 'onnx'"]


def test_a_signature_is_somebodys(faults: Faults) -> None:
    text = target().replace("{path: m}", "{path: m, signature: required}")
    assert faults(text)[0].partition(" ")[2].startswith("model.signature: a signature of whom?")


def test_an_identity_signs(load: Load) -> None:
    signer = "{identity: release@acme.example, issuer: https://accounts.acme.example, trust: r}"
    text = target().replace("{path: m}", f"{{path: m, signature: required, signer: {signer}}}")
    assert load(text).model.signer == SignerSpec(
        identity="release@acme.example", issuer="https://accounts.acme.example", trust="r"
    )


@pytest.mark.parametrize(
    ("signer", "line"),
    [
        ("''", 'model.signer: expected some text, got ""'),
        ("{identity: a}", "model.signer: issuer is missing"),
        ("{identity: a, issuer: accounts.acme.example}", "model.signer.issuer: expected a URL"),
        ("{identity: a, isuer: x}", "did you mean issuer"),
        ("[a]", "model.signer: expected"),
    ],
)
def test_half_a_signer_is_refused(faults: Faults, signer: str, line: str) -> None:
    found = faults(target().replace("{path: m}", f"{{path: m, signer: {signer}}}"))
    assert any(line in each for each in found), found


def test_no_targets_are_no_deployment(faults: Faults) -> None:
    text = "name: iris\nmodel: {path: m}\ntargets: []\noutcome: {quorum: 1}\n"
    assert faults(text)[0] == "3:10 targets: expected at least 1, got an empty list"


def test_targets_of_a_wrong_type_hide_nothing(faults: Faults) -> None:
    text = "name: iris\nmodel: {path: ''}\ntargets: [3, {name: 4}]\nrouting: {weights: {a: 1}}\n"
    found = faults(text)
    assert '2:15 model.path: expected some text, got ""' in found
    assert "3:11 targets[0]: expected a map of keys and values, got 3" in found
    assert '3:21 targets[1].name: expected a string, got 4; put it in quotes: "4"' in found
    assert "4:21 routing.weights.a: no target is called 'a'" in found


def test_a_long_value_is_cut(faults: Faults) -> None:
    [line] = faults(target(machine="[x]", region="m" * 10, namespace="N" * 200))[-1:]
    assert len(line) < 200
    assert "…" in line


@pytest.mark.parametrize("policy", ["fail", "yield", "force"])
def test_a_policy_is_said_of_a_field_of_a_kind(load: Load, policy: str) -> None:
    field = "apps/v1/Deployment:spec.replicas"
    assert load(f'{target()}conflicts: {{"{field}": {policy}}}\n').conflicts == {field: policy}


@pytest.mark.parametrize("field", ["spec.replicas", "Deployment", "deployment:spec", "Deployment:"])
def test_a_policy_without_its_kind_and_field_is_refused(faults: Faults, field: str) -> None:
    [line] = faults(f'{target()}conflicts: {{"{field}": yield}}\n')
    assert "conflicts" in line


def test_a_policy_is_one_of_three_words(faults: Faults) -> None:
    [line] = faults(f"{target()}conflicts: {{'Deployment:spec': ignore}}\n")
    assert "force" in line
