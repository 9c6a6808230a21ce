"""nginx: one worker, upstream connections kept alive, buffering as shipped but not to disk, no access log."""

import os

from benchmarks.load.certificate import pair
from benchmarks.load.peers import Launch, Plan
from benchmarks.load.tools import path_of
from benchmarks.load.workloads import Table

_MAIN = """\
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
{user}
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections 8192; }}
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
_GRPC_LOCATION = "    location / { grpc_pass grpc://backend; }"
_LOCATION = "    location {prefix} {{ proxy_pass http://backend; }}"


def launch(plan: Plan) -> Launch:
    servers = "\n".join([*_tls(plan), *_servers(plan.table, f"127.0.0.1:{plan.port}")])
    user = "user root;" if os.geteuid() == 0 else ""
    text = _MAIN.format(user=user, directory=plan.directory, backend=plan.backend_port, servers=servers)
    path = plan.write("nginx.conf", text)
    log = str(plan.directory / "error.log")
    return Launch((path_of("nginx"), "-p", str(plan.directory), "-e", log, "-c", str(path)))


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
