"""The Deployment: what it may, how it is asked whether it is well, and how it leaves."""

import tomllib

import click
import pytest

import proxy
from proxy.cli.main import main
from proxy.runtime.settings import parse_address, parse_duration
from tests.manifests.tree import BASE, KUBERNETES, ROOT, named, objects

DEPLOYMENT = named(BASE / "deployment.yaml", "Deployment")
POD = DEPLOYMENT["spec"]["template"]["spec"]
[CONTAINER] = POD["containers"]
OPTIONS = dict(argument.partition("=")[::2] for argument in CONTAINER["args"] if argument.startswith("--"))


def test_it_runs_the_program_on_the_cluster_with_options_that_exist() -> None:
    assert CONTAINER["args"][:2] == ["run", "kubernetes:"]
    assert CONTAINER["args"][2:] == [f"{name}={value}" for name, value in OPTIONS.items()]
    command = main.get_command(click.Context(main), "run")
    assert command is not None
    assert set(OPTIONS) <= {name for param in command.params for name in param.opts}


def test_the_image_is_that_of_this_version() -> None:
    images = [
        container["image"]
        for path in (BASE / "deployment.yaml", KUBERNETES / "tutorial" / "4-hello.yaml")
        for container in named(path, "Deployment")["spec"]["template"]["spec"]["containers"]
    ]
    parameters = named(KUBERNETES / "overlays" / "dedicated" / "gatewayclass.yaml", "GatewayParameters")
    images.append(parameters["spec"]["deployment"]["image"])
    assert set(images) == {f"penstock:{proxy.__version__}"}
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == proxy.__version__


def test_it_runs_as_the_user_of_the_image_and_may_nothing() -> None:
    user = POD["securityContext"]
    assert user["runAsNonRoot"] is True
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}\n" in (ROOT / "Dockerfile").read_text()
    assert user["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_it_may_bind_low_ports_without_a_capability() -> None:
    assert POD["securityContext"]["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]


def test_only_the_pod_that_needs_a_token_has_one() -> None:
    account = named(BASE / "serviceaccount.yaml", "ServiceAccount")
    assert POD["serviceAccountName"] == account["metadata"]["name"]
    assert (account["automountServiceAccountToken"], POD["automountServiceAccountToken"]) == (False, True)
    hello = named(KUBERNETES / "tutorial" / "4-hello.yaml", "Deployment")
    assert hello["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    ("probe", "path"), [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]
)
def test_probes_ask_where_the_program_answers(probe: str, path: str) -> None:
    assert CONTAINER[probe]["httpGet"] == {"path": path, "port": "metrics"}
    host, port = parse_address(OPTIONS["--metrics"])
    assert host == "0.0.0.0"
    assert [entry["containerPort"] for entry in CONTAINER["ports"] if entry["name"] == "metrics"] == [port]


def test_readiness_is_lost_before_the_drain_delay_is_over() -> None:
    probe = CONTAINER["readinessProbe"]
    longest = probe["failureThreshold"] * probe["periodSeconds"] + probe["timeoutSeconds"]
    assert longest < parse_duration(OPTIONS["--drain-delay"])


def test_the_kubelet_waits_longer_than_the_drain_takes() -> None:
    drain = parse_duration(OPTIONS["--drain-delay"]) + parse_duration(OPTIONS["--drain-timeout"])
    assert POD["terminationGracePeriodSeconds"] > drain


def test_the_state_has_a_place_that_can_be_written() -> None:
    [mount] = [mount for mount in CONTAINER["volumeMounts"] if mount["mountPath"] == OPTIONS["--state-dir"]]
    [volume] = [volume for volume in POD["volumes"] if volume["name"] == mount["name"]]
    assert "emptyDir" in volume
    assert POD["securityContext"]["fsGroup"] == POD["securityContext"]["runAsGroup"]


def test_it_knows_which_pod_it_is() -> None:
    fields = {entry["name"]: entry["valueFrom"]["fieldRef"]["fieldPath"] for entry in CONTAINER["env"]}
    assert fields == {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
        "POD_IP": "status.podIP",
    }


def test_memory_is_bounded_and_cpu_is_not() -> None:
    assert set(CONTAINER["resources"]["requests"]) == {"cpu", "memory"}
    assert set(CONTAINER["resources"]["limits"]) == {"memory"}


def test_no_pod_leaves_before_its_successor_is_ready_but_on_the_host_network() -> None:
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    patch = named(KUBERNETES / "overlays" / "host-network" / "deployment.yaml", "Deployment")
    assert patch["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_everything_that_selects_selects_these_pods() -> None:
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    selectors = [
        DEPLOYMENT["spec"]["selector"]["matchLabels"],
        named(BASE / "service.yaml", "Service")["spec"]["selector"],
        named(BASE / "poddisruptionbudget.yaml", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        *(entry["labelSelector"]["matchLabels"] for entry in POD["topologySpreadConstraints"]),
    ]
    assert all(selector == labels for selector in selectors)
    assert len(selectors) == 5


def test_its_priority_class_is_installed_with_it() -> None:
    assert POD["priorityClassName"] == named(BASE / "priorityclass.yaml", "PriorityClass")["metadata"]["name"]


def test_the_service_monitor_finds_the_metrics_service() -> None:
    monitor = objects(KUBERNETES / "components" / "monitoring" / "servicemonitor.yaml")[0]["spec"]
    service = named(BASE / "service.yaml", "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [entry["port"] for entry in monitor["endpoints"]] == [entry["name"] for entry in service["spec"]["ports"]]
