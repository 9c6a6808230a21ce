"""penstock run, as a user meets it: real processes, real sockets."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPConnection
from pathlib import Path

import pytest

from tests.runtime.running import (
    HOST,
    PATIENCE,
    Backend,
    Gateway,
    backend,
    document,
    free_port,
    gateway,
    get,
    is_running,
    route,
    running,
    service,
    until,
)

REQUESTS = "penstock_http_requests_total"


class Site:
    """A configuration file, its ports, and the backend it leads to."""

    def __init__(self, folder: Path, app: Backend) -> None:
        self.app = app
        self.port = free_port()
        self.file = folder / "gateway.yaml"
        self.write(gateway(self.port), service(app.port), route())

    def write(self, *documents: str) -> None:
        """In one step, as editors and ConfigMaps do."""
        new = self.file.with_suffix(".new")
        new.write_text("".join(documents))
        new.rename(self.file)


@pytest.fixture(scope="module")
def app() -> Iterator[Backend]:
    with backend() as server:
        yield server


@pytest.fixture
def site(tmp_path: Path, app: Backend) -> Site:
    return Site(tmp_path, app)


def run_to_the_end(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "proxy", "run", *argv]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL
    )


# --- serving and counting -------------------------------------------------------------------------


def test_metrics_and_access_log_equal_the_traffic(site: Site, tmp_path: Path) -> None:
    site.write(gateway(site.port), service(site.app.port), route("/a", "a"), route("/b", "b"))
    log = tmp_path / "access.log"
    traffic = {"/a": 7, "/a/status=404": 3, "/b": 5, "/c": 2}
    with running(site.file, "--access-log", str(log)) as penstock:
        for path, times in traffic.items():
            for _ in range(times):
                get(site.port, path)
        until(lambda: penstock.total(REQUESTS) == 17, "every request is counted")
        counted = {(labels[2], labels[4], labels[6]): value for labels, value in penstock.samples(REQUESTS).items()}
        assert counted == {
            ("default/a", "default/app", "200"): 7,
            ("default/a", "default/app", "404"): 3,
            ("default/b", "default/app", "200"): 5,
            ("", "", "404"): 2,
        }
        assert penstock.total("penstock_no_route_total") == 2
        assert penstock.total("penstock_http_request_duration_seconds_count") == 17
        assert penstock.total("penstock_upstream_request_duration_seconds_count") == 15
        assert penstock.total("penstock_http_overhead_seconds_count") == 17
        assert set(penstock.samples("penstock_config_generation").values()) == {1}
        assert penstock.samples("penstock_endpoint_up") == {("default/app", f"{HOST}:{site.app.port}"): 1}
        until(lambda: penstock.total("penstock_open_connections") == 0, "connections are gone")
        assert len(penstock.samples("process_resident_memory_bytes")) == 3
        lines = until(lambda: len(log.read_text().splitlines()) == 17 and log.read_text(), "the log has every line")
    told = [json.loads(line) for line in lines.splitlines()]
    assert sorted(line["path"] for line in told) == sorted(p for p, n in traffic.items() for _ in range(n))
    assert {line["generation"] for line in told} == {1}


def test_the_log_goes_on_in_a_new_file_after_rotation(site: Site, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with running(site.file, "--access-log", str(log)) as penstock:
        get(site.port, "/before")
        until(lambda: "/before" in log.read_text(), "the line is written")
        log.rename(tmp_path / "access.log.1")
        penstock.signal(signal.SIGUSR1)
        until(log.exists, "the file is made anew")
        until(lambda: get(site.port, "/after") and "/after" in log.read_text(), "lines go to the new file")
    assert "/before" in (tmp_path / "access.log.1").read_text()
    assert "/before" not in log.read_text()


def test_the_start_says_what_is_served_and_where(site: Site) -> None:
    with running(site.file) as penstock:
        until(lambda: "dashboard" in penstock.said(), "the summary is printed")
        assert f"http://{HOST}:{site.port}  default/edge/http-{site.port}" in penstock.said()
        assert f"http://{HOST}:{penstock.admin}/  dashboard" in penstock.said()


def test_the_metrics_address_serves_only_metrics_and_health(site: Site) -> None:
    port = free_port()
    with running(site.file, "--metrics", f"{HOST}:{port}") as penstock:
        paths = ["/metrics", "/readyz", "/healthz", "/", "/api/v1/config"]
        assert [get(port, path, Host="pod.example")[0].status for path in paths] == [200, 200, 200, 404, 404]
        assert penstock.ask("/metrics", Host="rebound.example").status == 421


# --- changes --------------------------------------------------------------------------------------


def test_an_edit_is_served_without_a_restart(site: Site) -> None:
    with running(site.file) as penstock:
        assert get(site.port, "/new")[0].status == 200
        site.write(gateway(site.port), service(site.app.port), route("/old"))
        until(lambda: penstock.generation() == 2, "every worker has the second generation")
        assert get(site.port, "/new")[0].status == 404
        assert get(site.port, "/old")[0].status == 200
        assert penstock.samples("penstock_config_reloads_total") == {("success",): 2}


def test_a_bad_edit_loses_only_itself_and_is_told(site: Site) -> None:
    with running(site.file) as penstock:
        broken = document("gateway.networking.k8s.io/v1", "HTTPRoute", "broken", {"rules": [{"matches": 7}]})
        site.write(gateway(site.port), service(site.app.port), route("/old"), broken)
        until(lambda: penstock.generation() == 2, "what is sound is served")
        until(lambda: penstock.samples("penstock_config_reloads_total").get(("refused_objects",)), "it is counted")
        assert penstock.samples("penstock_config_last_reload_successful") == {(): 0}
        assert penstock.samples("penstock_config_objects")["HTTPRoute", "refused"] == 1
        assert f"{site.file}:" in penstock.said()
        assert penstock.said().count("error[HTTPRoute/default/broken]") == 1
        site.write(gateway(site.port), service(site.app.port), route("/old"))
        until(lambda: penstock.samples("penstock_config_last_reload_successful") == {(): 1}, "all is well again")


def test_sighup_reads_again_and_tries_ports_again(site: Site) -> None:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        taken = holder.getsockname()[1]
        site.write(gateway(site.port, taken), service(site.app.port), route())
        with running(site.file) as penstock:
            assert get(site.port, "/")[0].status == 200
            assert f"{HOST}:{taken}: the port is taken by another program" in penstock.said()
            holder.close()
            penstock.signal(signal.SIGHUP)
            until(lambda: f":{taken}" in str([b for b in bound(penstock) if b["bound"]]), "the port is had")
            assert get(taken, "/")[0].status == 200
            assert penstock.samples("penstock_config_last_reload_successful") == {(): 1}


def bound(penstock: Gateway) -> list[dict[str, object]]:
    binds = [bind for item in penstock.json("/api/v1/listeners") for bind in item["binds"]]
    return [{**bind, "at": f":{bind['port']}"} for bind in binds]


def test_listeners_come_and_go(site: Site) -> None:
    other = free_port()
    with running(site.file) as penstock:
        site.write(gateway(other), service(site.app.port), route())
        until(lambda: penstock.generation() == 2, "every worker has the second generation")
        assert get(other, "/")[0].status == 200
        with pytest.raises(ConnectionRefusedError):
            get(site.port, "/")
        site.write(gateway(site.port), service(site.app.port), route())
        until(lambda: penstock.generation() == 3, "every worker has the third generation")
        assert get(site.port, "/")[0].status == 200


def test_reloads_under_load_fail_no_request(site: Site) -> None:
    with running(site.file) as penstock, load(site.port) as clients:
        for generation in range(2, 12):
            extra = [route(f"/extra/{n}", f"extra-{n}") for n in range(generation)]
            site.write(gateway(site.port), service(site.app.port), route(), *extra)
            until(lambda wanted=generation: penstock.generation() >= wanted, "the change is served")
    assert not clients.failures
    assert clients.answered > 0


# --- workers --------------------------------------------------------------------------------------


def test_a_killed_worker_has_a_successor_and_its_counts_stay(site: Site) -> None:
    with running(site.file) as penstock:
        for _ in range(20):
            get(site.port, "/")
        until(lambda: penstock.total(REQUESTS) == 20, "every request is counted")
        before = penstock.workers()
        os.kill(before[0], signal.SIGKILL)
        for _ in range(20):  # none is refused or reset: those of the dead worker wait for its successor
            assert get(site.port, "/")[0].status == 200
        after = until(lambda: len(w := penstock.workers()) == 2 and w, "there are two workers again")
        assert after[0] != before[0]
        assert after[1] == before[1]
        until(lambda: penstock.total(REQUESTS) == 40, "nothing that was counted is lost")
        assert penstock.total("penstock_worker_restarts_total") == 1
        until(lambda: set(penstock.samples("penstock_config_generation").values()) == {1}, "it serves the same")


def test_workers_do_not_outlive_a_killed_control_process(site: Site) -> None:
    with running(site.file) as penstock:
        workers = penstock.workers().values()
        penstock.signal(signal.SIGKILL)
        penstock.wait()
        until(lambda: not any(map(is_running, workers)), "the workers end")
    with running(site.file):  # and the port is free
        assert get(site.port, "/")[0].status == 200


# --- stopping -------------------------------------------------------------------------------------


class Load:
    """Clients that ask all the time: some on one connection, some on a new one for each request."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answered = 0
        self.failures: list[BaseException | str] = []
        self.ended = threading.Event()

    def keep_alive(self) -> None:
        self._ask(reconnect=False)

    def new_connections(self) -> None:
        self._ask(reconnect=True)

    def _ask(self, reconnect: bool) -> None:
        connection = None
        try:
            while not self.ended.is_set():
                if connection is None:
                    connection = HTTPConnection(HOST, self.port, timeout=PATIENCE)
                    try:
                        connection.connect()
                    except ConnectionRefusedError:  # the port has closed: nothing was promised
                        return
                connection.request("GET", "/")
                response = connection.getresponse()
                if response.status != 200 or response.read() != b"hello from the backend":
                    self.failures.append(f"{response.status}")
                self.answered += 1
                if reconnect or response.will_close:
                    connection.close()
                    connection = None
        except (OSError, BadStatusLine) as error:
            self.failures.append(error)
        finally:
            if connection is not None:
                connection.close()


class load:
    """Four clients of each kind while the body runs, and until they have ended."""

    def __init__(self, port: int) -> None:
        self.clients = Load(port)
        kinds = [self.clients.keep_alive, self.clients.new_connections] * 4
        self.threads = [threading.Thread(target=kind) for kind in kinds]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        until(lambda: self.clients.answered > 50, "answers come")
        return self.clients

    def __exit__(self, *args: object) -> None:
        self.clients.ended.set()
        for thread in self.threads:
            thread.join()


def test_a_stop_under_load_answers_everybody(site: Site) -> None:
    with running(site.file, "--drain-delay", "300ms") as penstock, load(site.port) as clients:
        penstock.signal(signal.SIGTERM)
        until(lambda: penstock.ask("/readyz").status == 503, "not ready any more")
        answered = clients.answered
        until(lambda: clients.answered > answered, "requests are still served")
        assert penstock.wait() == 0
    assert not clients.failures


def test_answers_say_close_while_draining(site: Site) -> None:
    with running(site.file, "--drain-delay", "20s") as penstock:
        penstock.signal(signal.SIGTERM)
        until(lambda: penstock.json("/readyz")["draining"], "it drains")
        until(lambda: get(site.port, "/")[0].headers["Connection"] == "close", "answers say so")
        penstock.signal(signal.SIGINT)
        assert penstock.wait() == 0


def test_a_request_under_way_is_waited_for(site: Site, app: Backend) -> None:
    app.arrived.clear()
    app.released.clear()
    statuses: list[int] = []
    with running(site.file) as penstock:
        slow = threading.Thread(target=lambda: statuses.append(get(site.port, "/slow")[0].status))
        slow.start()
        assert app.arrived.wait(PATIENCE)
        penstock.signal(signal.SIGTERM)
        until(lambda: refused(site.port), "listeners close")
        app.released.set()
        slow.join()
        assert penstock.wait() == 0
    assert statuses == [200]


def refused(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(0.2)
        try:
            sock.connect((HOST, port))
        except ConnectionRefusedError:
            return True
        except TimeoutError:
            return False
        return False


def test_what_takes_too_long_is_cut(site: Site, app: Backend) -> None:
    app.arrived.clear()
    app.released.clear()
    told: list[int] = []

    def ask() -> None:
        told.append(get(site.port, "/slow")[0].status)

    with running(site.file, "--drain-timeout", "100ms") as penstock:
        slow = threading.Thread(target=ask)
        slow.start()
        assert app.arrived.wait(PATIENCE)
        penstock.signal(signal.SIGTERM)
        assert penstock.wait() == 0
        slow.join()
    app.released.set()
    assert told == [503]
    assert "1 connection" in penstock.said()


def test_a_second_signal_stops_at_once(site: Site) -> None:
    with running(site.file, "--drain-delay", "1h") as penstock:
        workers = penstock.workers().values()
        penstock.signal(signal.SIGINT)
        until(lambda: "stopping" in penstock.said(), "it drains")
        penstock.signal(signal.SIGINT)
        assert penstock.wait() == 0
        assert not any(map(is_running, workers))


# --- what goes wrong at the start -----------------------------------------------------------------


def test_a_second_gateway_on_the_same_port_says_so_and_ends(site: Site) -> None:
    with running(site.file):
        done = run_to_the_end(str(site.file), "--address", HOST, "--admin", f"{HOST}:{free_port()}")
        assert get(site.port, "/")[0].status == 200
    assert done.returncode == 1
    assert f"cannot listen on {HOST}:{site.port}: the port is taken by another program" in done.stderr
    assert f"--map-port {site.port}=" in done.stderr
    assert "no listener can serve" in done.stderr


def test_an_admin_address_in_use_is_told_and_requests_are_served(site: Site, tmp_path: Path, app: Backend) -> None:
    with running(site.file) as first:
        (tmp_path / "other").mkdir()
        other = Site(tmp_path / "other", app)
        second = Gateway(
            other.file, other.file.parent / "stderr", ("--workers", "1", "--admin", f"{HOST}:{first.admin}")
        )
        try:
            until(lambda: "choose another address with --admin" in second.said(), "the error is told")
            assert get(other.port, "/")[0].status == 200
        finally:
            second.signal(signal.SIGTERM)
            assert second.wait() == 0


def test_nothing_to_serve_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text(service(80))
    done = run_to_the_end(str(tmp_path / "empty.yaml"), "--admin", f"{HOST}:{free_port()}")
    assert done.returncode == 1
    assert "no listener can serve" in done.stderr


def test_strict_refuses_what_has_an_error(site: Site) -> None:
    site.write(gateway(site.port), service(site.app.port), route(), route("/x", "bad", to="nowhere"))
    done = run_to_the_end(str(site.file), "--strict", "--address", HOST, "--admin", f"{HOST}:{free_port()}")
    assert done.returncode == 1
    assert "--strict" in done.stderr
    assert "nowhere" in done.stderr


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "Missing argument"),
        (["x.yaml", "--workers", "0"], "neither auto nor a number"),
        (["x.yaml", "--workers", "many"], "neither auto nor a number"),
        (["x.yaml", "--map-port", "80"], "DECLARED=BOUND"),
        (["x.yaml", "--admin", "9900"], "HOST:PORT"),
        (["x.yaml", "--drain-delay", "soon"], "is not a time"),
        (["x.yaml", "--address", "localhost"], "is not an IP address"),
        (["x.yaml", "--backend", "x"], "NAMESPACE/NAME:PORT"),
        (["x.yaml", "--trusted-proxies", "10.0.0.1/8"], "is not a network"),
        (["kubernetes:", "--status-updates", "maybe"], "neither on nor off"),
        (["kubernetes:", "x.yaml"], "kubernetes: stands alone"),
        (["kubernetes:", "--kubeconfig", "/nowhere/config"], "/nowhere/config: No such file"),
        (["kubernetes:", "--watch-namespaces", "shop,No"], "is not a namespace"),
    ],
)
def test_usage_errors_are_told(argv: list[str], says: str) -> None:
    done = run_to_the_end(*argv)
    assert done.returncode == 2
    assert says in done.stderr


def test_options_come_from_the_environment_as_well(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("PENSTOCK_MAP_PORT", f"{site.port}={port} 1=2")
    monkeypatch.setenv("PENSTOCK_STATE_DIR", "/tmp")
    with running(site.file) as penstock:
        assert get(port, "/")[0].status == 200
        assert "--state-dir has no effect with files" in penstock.said()
