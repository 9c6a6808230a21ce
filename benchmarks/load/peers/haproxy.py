"""HAProxy: one thread, upstream connections reused, routes in a map (its fast way), no log; or one relay of TCP."""

from benchmarks.load.certificate import pair
from benchmarks.load.peers import Launch, Plan
from benchmarks.load.tools import path_of
from benchmarks.load.workloads import SERVER_NAME, Table

_CONFIGURATION = """\
global
  maxconn 9000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  http-reuse always
  option forwardfor
frontend all
  bind 127.0.0.1:{port} backlog 4096{tls}{proto}
{choice}
backend backend
  server only 127.0.0.1:{backend}{upstream_proto}
backend nothing
  http-request return status 404
"""
_RELAY = """\
global
  maxconn 9000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 3600s
  timeout server 3600s
frontend all
  bind 127.0.0.1:{port} backlog 4096
{choice}
backend backend
  server only 127.0.0.1:{backend}
"""
_BY_SERVER_NAME = f"""\
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  use_backend backend if {{ req.ssl_sni -i {SERVER_NAME} }}"""


def launch(plan: Plan) -> Launch:
    path = plan.write("haproxy.cfg", _relay(plan) if plan.table.relay else _http(plan))
    return Launch((path_of("haproxy"), "-W", "-db", "-f", str(path)))


def _relay(plan: Plan) -> str:
    choice = _BY_SERVER_NAME if plan.table.relay == "tls" else "  default_backend backend"
    return _RELAY.format(port=plan.port, choice=choice, backend=plan.backend_port)


def _http(plan: Plan) -> str:
    choice = _choice(plan)
    tls = f" ssl crt {plan.write('both.pem', ''.join(pair()))}" if plan.table.secure else ""
    return _CONFIGURATION.format(
        port=plan.port,
        choice=choice,
        backend=plan.backend_port,
        tls=tls,
        proto=" proto h2" if plan.table.http2 else "",
        upstream_proto=" proto h2" if plan.table.grpc else "",
    )


def _choice(plan: Plan) -> str:
    if plan.table.shape == "":
        return "  default_backend backend"
    path = plan.write("routes.map", "".join(f"{key} backend\n" for key in _keys(plan.table)))
    looked_up = "req.hdr(x-route),map_str" if plan.table.shape == "headers" else "base,map_beg"
    return f"  default_backend nothing\n  use_backend %[{looked_up}({path},nothing)]"


def _keys(table: Table) -> list[str]:
    """What a request is looked up by: the header's value, or host and path (`base`)."""
    if table.shape == "headers":
        return [route.header for route in table]
    return [f"{route.host}{route.prefix}/" for route in table]
