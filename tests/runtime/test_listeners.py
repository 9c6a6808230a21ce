"""What is bound follows the snapshot."""

import socket
from collections.abc import Iterator

import pytest

from proxy.runtime.listeners import Listeners, bind_problems
from proxy.snapshot.snapshot import Bind, Listener, Snapshot
from tests.runtime.running import HOST, free_port


def snapshot(*binds: Bind) -> Snapshot:
    listeners = {key: Listener("ns/gw", "http", "HTTP", b"", 80) for bind in binds for key in bind.listeners}
    return Snapshot(1, binds, listeners, {}, {})


def bind(port: int, *listeners: str, address: str = HOST) -> Bind:
    return Bind(address, port, listeners or ("ns/gw/http",))


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    listeners = Listeners(workers=3)
    yield listeners
    listeners.close(listeners.binds)
    assert not listeners


def test_new_binds_open_and_old_ones_are_named(listeners: Listeners) -> None:
    one, two = bind(free_port()), bind(free_port())
    plan = listeners.plan(snapshot(one))
    assert (plan.opening, plan.closing, plan.failures) == ([one], [], ())
    listeners.settle(snapshot(one))
    plan = listeners.plan(snapshot(two))
    assert (plan.opening, plan.closing) == ([two], [one])
    assert len(listeners) == 2  # the old one is served until the new snapshot is in use
    listeners.close(plan.closing)
    listeners.settle(snapshot(two))
    assert listeners.binds == [two]


def test_every_worker_has_a_socket_of_its_own(listeners: Listeners) -> None:
    one = bind(free_port())
    listeners.plan(snapshot(one))
    descriptors = [sock.fileno() for index in range(3) for sock in listeners.of_worker(index, one)]
    assert len(set(descriptors)) == 3
    assert sorted(descriptors) == sorted(sock.fileno() for sock in listeners.all_of([one]))


def test_a_bind_whose_listeners_change_stays_bound(listeners: Listeners) -> None:
    port = free_port()
    listeners.plan(snapshot(bind(port)))
    listeners.settle(snapshot(bind(port)))
    renamed = snapshot(bind(port, "ns/gw/other"))
    plan = listeners.plan(renamed)
    assert (plan.opening, plan.closing) == ([], [])
    listeners.settle(renamed)
    assert listeners.binds == [bind(port, "ns/gw/other")]


def test_one_port_on_two_addresses_of_ours(listeners: Listeners) -> None:
    port = free_port()
    assert listeners.plan(snapshot(bind(port), bind(port, address="127.0.0.2"))).failures == ()


def test_a_port_in_use_is_told_at_the_set_that_adds_the_listener(listeners: Listeners) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        [failure] = listeners.plan(snapshot(bind(other.getsockname()[1], "ns/gw/shop/set/a"))).failures
    [problem] = bind_problems(failure)
    assert (problem.kind, problem.namespace, problem.name) == ("ListenerSet", "shop", "set")
    assert problem.message.startswith("listener a: cannot listen on")


def test_every_listener_of_a_port_in_use_is_told(listeners: Listeners) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken, fine = bind(other.getsockname()[1], "ns/one/a", "ns/two/b"), bind(free_port())
        plan = listeners.plan(snapshot(taken, fine))
        listeners.settle(snapshot(taken, fine))
    (failure,) = plan.failures
    problems = list(bind_problems(failure))
    assert [(problem.name, problem.severity) for problem in problems] == [("one", "error"), ("two", "error")]
    assert "listener a: cannot listen on" in problems[0].message
    assert failure.reason == "PortUnavailable"
    assert plan.opening == listeners.binds == [fine]


def test_an_address_that_the_machine_does_not_have_is_told_apart(listeners: Listeners) -> None:
    (failure,) = listeners.plan(snapshot(bind(free_port(), address="192.0.2.1"))).failures
    assert failure.reason == "AddressNotUsable"
