"""Configurations written for the peers."""

import json
from pathlib import Path

import pytest

from benchmarks.load.peers import Plan, command, haproxy, nginx, penstock
from benchmarks.load.tools import MissingTool
from benchmarks.load.workloads import Relay, Table


@pytest.fixture(autouse=True)
def daemons_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (nginx, haproxy):
        monkeypatch.setattr(module, "path_of", lambda program: f"/usr/sbin/{program}")
    monkeypatch.setattr(nginx, "_build_options", lambda: ["--with-stream"])


def plan(directory: Path, table: Table) -> Plan:
    return Plan(table, directory, port=8001, admin_port=8002, backend_port=8003)


def rules(table: Table) -> list[dict[str, object]]:
    routes = [document for document in penstock.documents(table, 8001, 8003) if document["kind"] == "HTTPRoute"]
    return [rule for route in routes for rule in route["spec"]["rules"]]  # type: ignore[index]


@pytest.mark.parametrize("shape", ["prefixes", "headers", "hosts"])
def test_penstock_gets_a_rule_for_every_route(shape: str) -> None:
    found = rules(Table(shape, 1000))
    assert len(found) == len({json.dumps(rule) for rule in found}) * (100 if shape == "hosts" else 1)
    assert len(found) == 1000


@pytest.mark.parametrize("shape", ["", "prefixes", "headers", "hosts"])
def test_http_routes_keep_to_the_limits_of_the_api(shape: str) -> None:
    names = []
    for document in penstock.documents(Table(shape, 100), 8001, 8003):
        spec, metadata = document.get("spec"), document["metadata"]
        if document["kind"] == "HTTPRoute":
            assert isinstance(spec, dict) and isinstance(metadata, dict)
            assert 1 <= len(spec["rules"]) <= 16
            assert len(spec.get("hostnames", ())) <= 16
            names.append(metadata["name"])
    assert len(names) == len(set(names))


def test_penstock_is_started_as_a_user_starts_it(tmp_path: Path) -> None:
    launch = penstock.launcher("/usr/bin/python3")(plan(tmp_path, Table()))
    assert launch.argv[:4] == ("/usr/bin/python3", "-m", "proxy", "run")
    documents = (tmp_path / "gateway.yaml").read_text().split("---\n")[1:]
    assert [json.loads(document)["kind"] for document in documents] == [
        "Gateway",
        "Service",
        "EndpointSlice",
        "HTTPRoute",
    ]


def test_penstock_may_take_minutes_for_a_hundred_thousand_routes(tmp_path: Path) -> None:
    patience = [penstock.launcher()(plan(tmp_path, table)).patience for table in (Table(), Table("prefixes", 100_000))]
    assert patience[0] < 90 and patience[1] > 300


def test_nginx_has_a_location_for_every_prefix(tmp_path: Path) -> None:
    nginx.launch(plan(tmp_path, Table("hosts", 30)))
    text = (tmp_path / "nginx.conf").read_text()
    assert text.count("server_name h") == 3
    assert text.count("location /p") == 30


def test_nginx_looks_a_header_up_in_a_map(tmp_path: Path) -> None:
    nginx.launch(plan(tmp_path, Table("headers", 30)))
    assert (tmp_path / "nginx.conf").read_text().count(" backend;") == 30


def test_haproxy_looks_routes_up_in_a_map(tmp_path: Path) -> None:
    haproxy.launch(plan(tmp_path, Table("prefixes", 2)))
    assert (tmp_path / "routes.map").read_text() == (
        "one.example.com/svc-000000/ backend\none.example.com/svc-000001/ backend\n"
    )


@pytest.mark.parametrize(
    ("relay", "nginx_has", "haproxy_has"),
    [
        ("tcp", ["proxy_pass backend;"], ["default_backend backend"]),
        ("tls", ["ssl_preread on;", "localhost backend;", "proxy_pass $named;"], ["req.ssl_sni -i localhost"]),
    ],
)
def test_a_relay_reads_no_more_than_a_server_name(
    relay: Relay, nginx_has: list[str], haproxy_has: list[str], tmp_path: Path
) -> None:
    table = Table(secure=relay == "tls", relay=relay)
    nginx.launch(plan(tmp_path, table))
    haproxy.launch(plan(tmp_path, table))
    for name, expected in (("nginx.conf", nginx_has), ("haproxy.cfg", haproxy_has)):
        text = (tmp_path / name).read_text()
        assert [words for words in expected if words not in text] == []
        assert "127.0.0.1:8003" in text and "http" not in text and ".pem" not in text


@pytest.mark.parametrize(("options", "found"), [(["--with-stream"], ""), (["--with-stream=dynamic"], "the module")])
def test_the_module_that_passes_connections_on_is_loaded_where_it_is_not_built_in(
    options: list[str], found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "ngx_stream_module.so"
    module.touch()
    options.append(f"--modules-path={tmp_path}")
    assert nginx.stream_module(options) == (str(module) if found else "")
    monkeypatch.setattr(nginx, "_build_options", lambda: options)
    nginx.launch(plan(tmp_path, Table(relay="tcp")))
    assert (tmp_path / "nginx.conf").read_text().startswith(f"load_module {module};" if found else "daemon off;")


@pytest.mark.parametrize("options", [[], ["--with-stream=dynamic", "--modules-path=/nowhere"]])
def test_an_nginx_that_passes_no_connections_on_is_told_with_what_it_lacks(options: list[str]) -> None:
    with pytest.raises(MissingTool, match="libnginx-mod-stream"):
        nginx.stream_module(options)


def test_a_command_gets_its_ports(tmp_path: Path) -> None:
    peer = command.parse("mine=0:mine --listen {port} --to 127.0.0.1:{backend}")
    launch = peer.launch(plan(tmp_path, Table()))
    assert (peer.name, peer.serves_all) == ("mine", False)
    assert launch.argv == ("mine", "--listen", "8001", "--to", "127.0.0.1:8003")
    assert launch.port == 0


def test_a_command_may_have_a_port_of_its_own(tmp_path: Path) -> None:
    launch = command.parse("mine=9000:mine {port}").launch(plan(tmp_path, Table()))
    assert (launch.port, launch.argv) == (9000, ("mine", "9000"))


@pytest.mark.parametrize("argument", ["mine", "mine=9000", "=9000:x", "mine=port:x", "mine=9000:"])
def test_a_malformed_peer_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="NAME=PORT:COMMAND"):
        command.parse(argument)
