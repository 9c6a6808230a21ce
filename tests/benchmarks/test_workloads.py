"""Workloads and the routing tables they are looked up in."""

from pathlib import Path

import pytest

from benchmarks.load import wrk
from benchmarks.load.ground import Ground
from benchmarks.load.workloads import ACCEPT_ANY, WORKLOADS, Route, Table, Workload, choose


@pytest.mark.parametrize("shape", ["prefixes", "headers", "hosts"])
@pytest.mark.parametrize("size", [10, 16, 1000])
def test_a_table_has_as_many_different_routes_as_it_says(shape: str, size: int) -> None:
    assert len(set(Table(shape, size))) == size


@pytest.mark.parametrize(
    ("shape", "last", "hosts"),
    [
        ("prefixes", Route("one.example.com", "/svc-000999"), 1),
        ("headers", Route("one.example.com", "/", "r000999"), 1),
        ("hosts", Route("h000099.example.com", "/p9"), 100),
    ],
)
def test_shapes(shape: str, last: Route, hosts: int) -> None:
    table = Table(shape, 1000)
    assert table.last == last
    assert len(table.by_host()) == hosts


def test_requests_hit_the_last_route() -> None:
    assert Workload("", "", shape="prefixes").request(Table("prefixes", 10)) == (
        "one.example.com",
        "/svc-000009/x",
        ACCEPT_ANY,
    )
    assert Workload("", "", shape="headers").request(Table("headers", 10))[2][-1] == ("X-Route", "r000009")


def test_workloads_are_chosen_by_name_in_their_own_order() -> None:
    assert [workload.name for workload in choose(["hosts", "get"])] == ["get", "hosts"]


def test_an_unknown_workload_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no workload gte; there are get, get12"):
        choose(["gte"])


def test_where_a_server_name_chooses_clients_ask_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrk, "path_of", lambda program: f"/usr/bin/{program}")
    (workload,) = choose(["passthrough"])
    table = Table(secure=True, relay="tls")
    ground = Ground(tmp_path, 0, 1, backend_port=1, grpc_port=2, tls_port=3, load_env={})
    assert (table.host, ground.backend_of(table)) == ("localhost", 3)
    assert wrk.command(workload, table, 8080, 1, tmp_path)[-1] == "https://localhost:8080/"
    others = [Table(), Table(http2=True, grpc=True), Table(relay="tcp")]
    assert [(each.host, ground.backend_of(each)) for each in others] == [("127.0.0.1", port) for port in (1, 2, 1)]


def test_names_are_unique() -> None:
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
