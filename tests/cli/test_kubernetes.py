"""The source kubernetes: from the command line, on a small API server."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proxy.cli.loading import load_once
from proxy.cli.source import cluster_of
from tests.runtime.running import HOST, PATIENCE, Backend, Gateway, backend, free_port, get, until
from tests.sources.kubernetes.api_server import ApiServer
from tests.sources.kubernetes.objects import endpoints, gateway, gateway_class, route, service


class Cluster:
    """An ApiServer in a loop and thread of its own, and the kubeconfig that leads to it."""

    def __init__(self, folder: Path) -> None:
        self.server = ApiServer()
        self.folder = folder
        self.config = folder / "config"
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.start()
        self.config.write_text(
            json.dumps(
                {
                    "current-context": "a",
                    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                    "clusters": [{"name": "a", "cluster": {"server": self.server.url}}],
                    "users": [{"name": "a", "user": {"token": "hunter2"}}],
                }
            )
        )

    def start(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.start(), self._loop).result(PATIENCE)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self._loop).result(PATIENCE)

    def do(self, what: Callable[[], None]) -> None:
        """In the server's own thread."""

        async def done() -> None:
            what()

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(PATIENCE)

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def fill(self, app: Backend) -> None:
        objects = (gateway_class(), gateway(port=self.port), service(), endpoints(app.port), route("a", "/a"))
        self.do(lambda: self.server.apply(*objects))

    @contextmanager
    def penstock(self, *options: str) -> Iterator[Gateway]:
        more = ("--kubeconfig", str(self.config), "--workers", "1", *options)
        running = Gateway(Path("kubernetes:"), self.folder / "stderr", more)
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.signal(signal.SIGTERM)
                running.signal(signal.SIGINT)
            running.wait()


@pytest.fixture(scope="module")
def app() -> Iterator[Backend]:
    with backend() as server:
        yield server


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.close()


def answers(port: int, path: str, wanted: int) -> Callable[[], bool]:
    def asked() -> bool:
        try:
            return get(port, path)[0].status == wanted
        except OSError:
            return False

    return asked


def command(cluster: Cluster, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "proxy", name, "kubernetes:", *arguments, "--kubeconfig", str(cluster.config)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_a_cluster_is_served_and_followed(cluster: Cluster, app: Backend) -> None:
    with cluster.penstock() as penstock:
        penstock.wait_ready()  # without a listener, as there is no Gateway yet
        cluster.fill(app)
        until(answers(cluster.port, "/a", 200), "the route is served")
        assert get(cluster.port, "/b")[0].status == 404
        cluster.do(lambda: cluster.server.apply(route("b", "/b")))
        until(answers(cluster.port, "/b", 200), "a new route is served")
        cluster.do(lambda: cluster.server.delete("gateway.networking.k8s.io", "HTTPRoute", "a"))
        until(answers(cluster.port, "/a", 404), "a deleted route is not")
        cluster.stop()
        until(lambda: penstock.samples("penstock_kubernetes_connected") == {(): 0}, "the loss is noticed")
        assert get(cluster.port, "/b")[0].status == 200
        events = penstock.samples("penstock_kubernetes_watch_events_total")
        assert events["HTTPRoute", "DELETED"] == 1
        assert events["HTTPRoute", "ADDED"] == 2
        assert penstock.samples("penstock_kubernetes_last_contact_timestamp_seconds")[()] > 1e9
        cluster.start()
        until(lambda: penstock.samples("penstock_kubernetes_connected") == {(): 1}, "it is in step again")
        penstock.signal(signal.SIGTERM)
        assert penstock.wait() == 0
        assert f"following cluster {cluster.server.url}" in penstock.said()
        assert "Traceback" not in penstock.said()
        assert "hunter2" not in penstock.said()


def test_while_a_start_waits_for_the_api_server_it_is_alive_and_not_ready(cluster: Cluster, app: Backend) -> None:
    """Who does not answer /healthz is killed, and then waits longer and longer to be started again."""
    cluster.fill(app)
    cluster.stop()
    with cluster.penstock() as penstock:
        until(lambda: "it is tried again" in penstock.said(), "the API server is asked")
        assert penstock.ask("/healthz").status == 200
        assert penstock.ask("/readyz").status == 503
        assert penstock.samples("penstock_kubernetes_connected") == {(): 0}
        assert penstock.ask("/").status == 200
        cluster.start()
        penstock.wait_ready()
        until(answers(cluster.port, "/a", 200), "the route is served")


def test_a_start_without_the_api_server_serves_what_was_saved(cluster: Cluster, app: Backend) -> None:
    cluster.fill(app)
    state = ("--state-dir", str(cluster.folder / "state"))
    with cluster.penstock(*state) as penstock:
        until(answers(cluster.port, "/a", 200), "the route is served")
        penstock.signal(signal.SIGTERM)
        assert penstock.wait() == 0
    cluster.stop()
    with cluster.penstock(*state) as penstock:
        until(answers(cluster.port, "/a", 200), "the saved route is served")
        assert "serving the saved state" in penstock.said()


def test_check_explain_and_routes_ask_the_cluster_once(cluster: Cluster, app: Backend) -> None:
    cluster.fill(app)
    checked = command(cluster, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "5 objects, no errors" in checked.stdout
    explained = command(cluster, "explain", f"http://{HOST}:{cluster.port}/a")
    assert explained.returncode == 0
    assert "default/a rule 0 match 0" in explained.stdout
    listed = command(cluster, "routes", "--json")
    assert json.loads(listed.stdout)[0]["listener"] == "default/edge/http"


def test_cases_can_be_asked_of_a_cluster(cluster: Cluster, app: Backend, tmp_path: Path) -> None:
    cluster.fill(app)
    cases = tmp_path / "cases.yaml"
    url = f"http://{HOST}:{cluster.port}/a"
    cases.write_text(f"sources: [elsewhere.yaml]\ncases: [{{name: one, request: '{url}', expect: {{route: a}}}}]\n")
    tested = command(cluster, "test", str(cases))
    assert (tested.returncode, tested.stdout, tested.stderr) == (0, "1 passed\n", "")


def test_diff_says_what_would_change_if_files_were_applied(cluster: Cluster, app: Backend, tmp_path: Path) -> None:
    cluster.fill(app)
    files = tmp_path / "routes.yaml"
    files.write_text(json.dumps(route("a", "/a") | {"status": {}}) + "\n---\n" + json.dumps(route("b", "/b")))
    done = command(cluster, "diff", str(files))
    where = f"http://any.example:{cluster.port}/b"
    rule = "default/b rule 0: default/app:80"
    assert done.stderr == ""
    assert done.stdout == f"curl {where}\n  - 404: no rule takes it\n  + {rule}\n\n1 change of answers\n"
    assert done.returncode == 1
    files.write_text(json.dumps(route("z", "/a")))
    assert command(cluster, "diff", str(files)).returncode == 0, "a younger route does not go before an equal one"
    assert command(cluster, "diff", "--no-apply", str(files)).returncode == 1, "alone it has no Gateway"


def test_diff_without_an_api_server_has_nothing_to_compare(cluster: Cluster, tmp_path: Path) -> None:
    cluster.stop()
    (tmp_path / "a.yaml").write_text("{}")
    code = "import proxy.cli.loading as l; l.PATIENCE = 0.2; from proxy.cli.main import main; main()"
    argv = [sys.executable, "-c", code, "diff", "kubernetes:", str(tmp_path / "a.yaml"), "--kubeconfig"]
    done = subprocess.run([*argv, str(cluster.config)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2


def test_services_of_gateways_are_looked_for_where_penstock_runs(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POD_NAMESPACE", "edge")
    candidate = load_once(["kubernetes:"], cluster_of(["kubernetes:"], str(cluster.config)))
    assert candidate.translation.settings.namespace == "edge"


def test_check_says_which_api_server_does_not_answer(cluster: Cluster) -> None:
    cluster.stop()
    code = "import proxy.cli.loading as l; l.PATIENCE = 0.2; from proxy.cli.main import main; main()"
    argv = [sys.executable, "-c", code, "check", "kubernetes:", "--kubeconfig", str(cluster.config)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert f"{cluster.server.url}: Connection refused; it is tried again\n" in done.stderr
    assert "Traceback" not in done.stderr
