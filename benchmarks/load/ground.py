"""Where a benchmark takes place: its cores, its directory, its backend, nobody else measuring."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.peers.nginx import secure_backend as secure_backend_argv
from benchmarks.load.process import Process, free_port
from benchmarks.load.tools import BUILD, MissingTool, compiled, path_of
from benchmarks.load.workloads import Table


@dataclass(frozen=True)
class Ground:
    """The proxy has a core of its own; backend and load generator share the other."""

    directory: Path
    proxy_core: int
    load_core: int
    backend_port: int
    grpc_port: int
    """Of a backend that speaks HTTP/2 and ends its answers with trailers."""
    tls_port: int
    """Of a backend that ends TLS and closes each connection with its answer; 0 where none was asked for."""
    load_env: Mapping[str, str]
    """Of the load generator: keeps it awake, or empty."""

    def backend_of(self, table: Table) -> int:
        """The port of the backend that speaks what the proxy hands on."""
        if table.grpc:
            return self.grpc_port
        return self.tls_port if table.relay == "tls" else self.backend_port


@contextlib.contextmanager
def prepared(awake: bool = False, secure_backend: bool = False) -> Iterator[Ground]:
    """The backend compiled and running. SIGTERM ends us as Ctrl-C does: what was started is stopped.

    `awake`: the load's core does not sleep (see native/awake.c). Needs a session of our own.
    `secure_backend`: the one that ends TLS, too.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        print("only one core: proxy, backend and load share it; requests/s say nothing", file=sys.stderr)
    with _alone():
        directory = BUILD / "run"
        directory.mkdir(parents=True, exist_ok=True)
        env = {"LD_PRELOAD": str(compiled("awake.so"))} if awake else {}
        with (
            running_backend(cores[-1], directory / "backend.log", env) as port,
            running_grpc_backend(cores[-1], directory, env) as grpc_port,
            running_tls_backend(cores[-1], directory, env) if secure_backend else contextlib.nullcontext(0) as tls_port,
        ):
            yield Ground(directory, cores[0], cores[-1], port, grpc_port, tls_port, env)


@contextlib.contextmanager
def running_backend(core: int, log: Path, env: Mapping[str, str]) -> Iterator[int]:
    """Its port at 127.0.0.1."""
    argv = [str(compiled("backend")), "0"]
    backend = Process(argv, core, log, env, stdout=subprocess.PIPE, own_session=False)
    try:
        assert backend.popen.stdout is not None
        port = int(backend.popen.stdout.readline() or 0)
        if port == 0:
            raise MissingTool(f"the backend does not start: {backend.died()}")
        yield port
    finally:
        backend.stop()


@contextlib.contextmanager
def running_grpc_backend(core: int, directory: Path, env: Mapping[str, str]) -> Iterator[int]:
    """nghttpd on a file of the size of a small message; its port at 127.0.0.1."""
    files = directory / "grpc"
    (files / "bench.Echo").mkdir(parents=True, exist_ok=True)
    (files / "bench.Echo" / "Say").write_bytes(b"\0\0\0\0\x64" + b"x" * 100)
    port = free_port()
    argv = [path_of("nghttpd"), "-n1", "--no-tls", "--trailer=grpc-status: 0", "-d", str(files), str(port)]
    backend = Process(argv, core, directory / "nghttpd.log", env, own_session=False)
    try:
        yield port
    finally:
        backend.stop()


@contextlib.contextmanager
def running_tls_backend(core: int, directory: Path, env: Mapping[str, str]) -> Iterator[int]:
    """nginx that ends TLS; its port at 127.0.0.1."""
    port = free_port()
    argv = secure_backend_argv(directory / "tls", port)
    backend = Process(argv, core, directory / "tls.log", env, own_session=False)
    try:
        yield port
    finally:
        backend.stop()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One benchmark of this tree at a time: waits for the end of another."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another benchmark runs; waiting for its end", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
