"""nginx: one worker, upstream connections kept alive, buffering as shipped but not to disk, no access log.

Or its stream module, which passes connections on as they are.
"""

import os
import subprocess
from pathlib import Path

from benchmarks.load.certificate import pair
from benchmarks.load.peers import Launch, Plan
from benchmarks.load.tools import MissingTool, install, path_of
from benchmarks.load.workloads import SERVER_NAME, Table

_PROCESS = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
{user}
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 8192; }}
"""
_HTTP = """\
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  server_names_hash_max_size 1048576;
  server_names_hash_bucket_size 128;
  map_hash_max_size 1048576;
  map_hash_bucket_size 128;
  upstream backend {{ server 127.0.0.1:{backend}; keepalive 512; keepalive_requests 1000000000; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_max_temp_file_size 0;
{servers}
}}
"""
_STREAM = """\
stream {{
  upstream backend {{ server 127.0.0.1:{backend}; }}
  map $ssl_preread_server_name $named {{ {name} backend; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    proxy_timeout 3600s;
{choice}
  }}
}}
"""
_ENDING_TLS = """\
http {{
  access_log off;
  keepalive_timeout 0;
  ssl_certificate {chain};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  server {{ listen 127.0.0.1:{port} ssl backlog=4096; location / {{ return 200 "{body}"; }} }}
}}
"""
_MODULE = "ngx_stream_module.so"
_GRPC_LOCATION = "    location / { grpc_pass grpc://backend; }"
_LOCATION = "    location {prefix} {{ proxy_pass http://backend; }}"


def launch(plan: Plan) -> Launch:
    return _relay(plan) if plan.table.relay else Launch(_argv(plan.directory, _http(plan)))


def _argv(directory: Path, text: str, module: str = "") -> tuple[str, ...]:
    first = f"load_module {module};\n" if module else ""
    user = "user root;" if os.geteuid() == 0 else ""
    path = directory / "nginx.conf"
    path.write_text(first + _PROCESS.format(user=user, directory=directory) + text)
    return path_of("nginx"), "-p", str(directory), "-e", str(directory / "error.log"), "-c", str(path)


def _http(plan: Plan) -> str:
    servers = "\n".join([*_tls(plan), *_servers(plan.table, f"127.0.0.1:{plan.port}")])
    return _HTTP.format(directory=plan.directory, backend=plan.backend_port, servers=servers)


def _relay(plan: Plan) -> Launch:
    choice = "    proxy_pass backend;"
    if plan.table.relay == "tls":
        choice = "    ssl_preread on;\n    proxy_pass $named;"
    text = _STREAM.format(port=plan.port, backend=plan.backend_port, name=SERVER_NAME, choice=choice)
    module = stream_module(_build_options())
    return Launch(_argv(plan.directory, text, module))


def secure_backend(directory: Path, port: int) -> tuple[str, ...]:
    """The command of a backend, not of a peer: 200 octets over TLS, a connection for each."""
    directory.mkdir(parents=True, exist_ok=True)
    chain, key = directory / "chain.pem", directory / "key.pem"
    chain.write_text(pair().chain)
    key.write_text(pair().key)
    return _argv(directory, _ENDING_TLS.format(chain=chain, key=key, port=port, body="x" * 200))


def require_stream() -> None:
    """Installs what passes connections on, from Debian, where it is missing. Raises MissingTool."""
    try:
        stream_module(_build_options())
    except MissingTool:
        install("libnginx-mod-stream")
        stream_module(_build_options())


def stream_module(options: list[str]) -> str:
    """The module to load, "" where it is built in. Raises MissingTool where there is none."""
    if "--with-stream" in options:
        return ""
    where = next((option.partition("=")[2] for option in options if option.startswith("--modules-path=")), "")
    module = Path(where) / _MODULE
    if "--with-stream=dynamic" in options and module.exists():
        return str(module)
    raise MissingTool(f"this nginx passes no connections on: {module} is missing, on Debian out of libnginx-mod-stream")


def _build_options() -> list[str]:
    return subprocess.run([path_of("nginx"), "-V"], capture_output=True, text=True, check=False).stderr.split()


def _tls(plan: Plan) -> list[str]:
    if not plan.table.secure:
        return []
    chain, key = plan.write("chain.pem", pair().chain), plan.write("key.pem", pair().key)
    return [f"  ssl_certificate {chain};", f"  ssl_certificate_key {key};", "  ssl_protocols TLSv1.2 TLSv1.3;"]


def _servers(table: Table, address: str) -> list[str]:
    if table.shape == "":
        tls = (" ssl" if table.secure else "") + (" http2" if table.http2 else "")
        location = _GRPC_LOCATION if table.grpc else _LOCATION.format(prefix="/")
        return [f"  server {{ listen {address}{tls} backlog=4096;", location, "  }"]
    if table.shape == "headers":
        return _by_header(table, address)
    lines = [f"  server {{ listen {address} backlog=4096 default_server; return 404; }}"]
    for host, routes in table.by_host().items():
        lines.append(f"  server {{ listen {address}; server_name {host};")
        lines += [_LOCATION.format(prefix=f"{route.prefix}/") for route in routes]
        lines.append("  }")
    return lines


def _by_header(table: Table, address: str) -> list[str]:
    routes = list(table)
    values = [f"    {route.header} backend;" for route in routes]
    return [
        "  map $http_x_route $chosen {",
        '    default "";',
        *values,
        "  }",
        f"  server {{ listen {address} backlog=4096; server_name {routes[0].host};",
        '    location / { if ($chosen = "") { return 404; } proxy_pass http://$chosen; }',
        "  }",
    ]
