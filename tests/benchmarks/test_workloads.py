"""Workloads and the routing tables they are looked up in."""

import pytest

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


def test_names_are_unique() -> None:
    assert len({workload.name for workload in WORKLOADS}) == len(WORKLOADS)
