"""XBackends: whose Secrets are read, and when."""

import pytest

from proxy.resources.meta import Wanted
from tests.translate.declare import WEB, route, translated

OUT = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: out}
spec:
  type: ExternalHostname
  externalHostname: {hostname: api.example}
  port: {port: 443}
  tls: {mode: ClientAndServer, clientCertificateRef: {name: shown}}
"""
REF = "group: gateway.networking.x-k8s.io, kind: XBackend, name: out"
SHOWN = Wanted("Secret", "default", "shown")
REFUSED = "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Host]}}"


@pytest.mark.parametrize(
    ("rules", "wanted"),
    {
        "it is used": (f"{{backendRefs: [{{{REF}}}]}}", {SHOWN}),
        "its weight is 0": (f"{{backendRefs: [{{{REF}, weight: 0}}]}}", {SHOWN}),
        "its rule is refused, and its status speaks": (
            f"{{filters: [{REFUSED}], backendRefs: [{{{REF}}}]}}, {{}}",
            {SHOWN},
        ),
        "nobody names it": ("{backendRefs: [{name: app, port: 80}]}", set()),
    }.values(),
)
def test_a_certificate_is_read_where_a_gateway_leads_there(rules: str, wanted: set[Wanted]) -> None:
    assert translated(WEB, OUT, route(f"[{rules}]")).wanted == wanted


def test_none_is_read_for_a_route_that_attaches_nowhere() -> None:
    """That route and what it leads to may be somebody else's."""
    elsewhere = route(f"[{{backendRefs: [{{{REF}}}]}}]").replace("name: web", "name: theirs")
    assert translated(WEB, OUT, elsewhere).wanted == set()


def test_below_http_it_is_no_kind_of_backend_and_says_so() -> None:
    """Nor is its certificate read for that."""
    web = WEB.replace("protocol: HTTP", "protocol: TCP")
    below = f"""
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {{name: t}}
spec: {{parentRefs: [{{name: web}}], rules: [{{backendRefs: [{{{REF}}}]}}]}}
"""
    found = translated(web, OUT, below)
    [problem] = [each for each in found.problems if each.kind == "TCPRoute"]
    assert problem.message == "XBackends are served to HTTPRoutes and GRPCRoutes alone"
    assert "XBackend" not in problem.hint
    assert found.wanted == set()
