"""What people are told about kinds that cannot be followed."""

from typing import Final

from proxy.resources.kinds import EXPERIMENTAL, OWN
from proxy.resources.problem import Problem, Severity
from proxy.sources.kubernetes.scope import Scope

EVERYWHERE: Final = frozenset({"GatewayClass", "Gateway", "HTTPRoute", "ReferenceGrant"})
"""Kinds that every release and channel of the Gateway API has; others come with some only."""


def forbidden(scope: Scope, verb: str, plural: str, message: str) -> Problem:
    """RBAC lacks something; the hint is the rule to add."""
    where = f"in namespace {scope.namespace}" if scope.namespace else "in all namespaces"
    resource = f"{plural}.{scope.group}" if scope.group else plural
    what = f"{scope.kind} {scope.namespace}/{scope.name}" if scope.name else f"{scope.kind} {where}"
    role = "Role" if scope.namespace else "ClusterRole"
    rule = f'{{apiGroups: ["{scope.group}"], resources: [{plural}], verbs: [get, list, watch]}}'
    return Problem(
        "error",
        f"the API server does not let us {verb} {what} (verb {verb}, resource {resource}): {message}",
        hint=f"add to the rules of the {role} that we are bound to: {rule}",
    )


def absent(scope: Scope, message: str) -> Problem:
    """The kind is not installed; some are only for those who want them."""
    if scope.group == OWN:
        return Problem("notice", message, hint="apply the CRDs of Penstock to use it; it is followed from then on")
    if scope.group == EXPERIMENTAL:
        return Problem("notice", message, hint="apply the CRDs of the Gateway API's experimental channel to use it")
    missing_alone = message.startswith(scope.kind)  # the rest of its group is there
    severity: Severity = "notice" if missing_alone and scope.kind not in EVERYWHERE else "warning"
    return Problem(severity, message, hint="apply the CRDs of the Gateway API; they are followed from then on")
