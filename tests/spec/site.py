"""YAML of the objects that most rules need. Arguments are flow YAML where a test is about what they say."""

WEB = """
---
kind: Gateway
metadata: {name: web}
spec: {gatewayClassName: penstock, listeners: [{name: http, protocol: HTTP, port: 80}]}
"""


def gateway(*listeners: str, name: str = "web", meta: str = "", more: str = "") -> str:
    """`meta` and `more` (of the spec) begin with a comma."""
    return f"""
---
kind: Gateway
metadata: {{name: {name}{meta}}}
spec: {{gatewayClassName: penstock, listeners: [{", ".join(listeners)}]{more}}}
"""


def listener(name: str, hostname: str = "", *, port: int = 80, protocol: str = "HTTP", more: str = "") -> str:
    host = f", hostname: '{hostname}'" if hostname else ""
    return f"{{name: {name}, protocol: {protocol}, port: {port}{host}{more}}}"


def listener_set(name: str, *entries: str, parent: str = "{name: web}", meta: str = "") -> str:
    return f"""
---
kind: ListenerSet
metadata: {{name: {name}{meta}}}
spec: {{parentRef: {parent}, listeners: [{", ".join(entries)}]}}
"""


def route(name: str, *rules: str, hosts: str = "", parents: str = "{name: web}", meta: str = "", more: str = "") -> str:
    """`hosts` and `parents`: comma-separated. Without rules the field is left out."""
    fields = [f"parentRefs: [{parents}]"]
    fields += [f"hostnames: [{', '.join(repr(host.strip()) for host in hosts.split(','))}]"] if hosts else []
    fields += [f"rules: [{', '.join(rules)}]"] if rules else []
    return f"""
---
kind: HTTPRoute
metadata: {{name: {name}{meta}}}
spec: {{{", ".join(fields)}{more}}}
"""


def rule(*matches: str, to: str = "", filters: str = "", more: str = "") -> str:
    """`to`: names of Services, or references in flow YAML; `matches`, `filters`: what stands in the lists."""
    fields = [f"matches: [{', '.join(matches)}]"] if matches else []
    fields += [f"filters: [{filters}]"] if filters else []
    fields += [f"backendRefs: [{to if to.startswith('{') else backend(to)}]"] if to else []
    fields += [more] if more else []
    return f"{{{', '.join(fields)}}}"


def backend(name: str, more: str = "") -> str:
    """A backendRef to a Service; `more` begins with a comma."""
    return f"{{name: {name}, port: 8080{more}}}"


def exact(path: str) -> str:
    return f"{{path: {{type: Exact, value: {path}}}}}"


def prefix(path: str) -> str:
    return f"{{path: {{type: PathPrefix, value: {path}}}}}"


def namespaces(*names: str, labels: str = "") -> str:
    return "".join(f"\n---\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n" for name in names)


def grant(name: str, source: str, target: str, *, namespace: str) -> str:
    """`source` and `target`: one entry of `from` and `to`."""
    return f"""
---
kind: ReferenceGrant
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{from: [{source}], to: [{target}]}}
"""
