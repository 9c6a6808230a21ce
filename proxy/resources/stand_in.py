"""Stand-ins: what takes the place of an object that cannot be read and that others rest on.

Without it a Service whose BackendTLSPolicy has a typing error would be spoken to in clear text: the stand-in is for the
same targets and can be followed by nobody. And a route would be told that the filter it names does not exist.
"""

from collections.abc import Callable
from typing import Any

from proxy.resources import direct_response
from proxy.resources.backendtlspolicy import (
    UNSOUND,
    BackendTLSPolicy,
    BackendTLSPolicySpec,
    BackendTLSPolicyValidation,
    PolicyTargetReference,
)
from proxy.resources.meta import ObjectMeta, Resource

_META = {"namespace": "namespace", "uid": "uid", "creation_timestamp": "creationTimestamp"}
"""What its place among others, and its status, hang on."""


def stand_in(model: type[Resource], body: dict[str, Any]) -> Resource | None:
    """For an object of this kind, as it was given; None where nothing is needed or nobody can tell what it is for."""
    meta = body.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    make = _STAND_INS.get(model)
    if make is None or not isinstance(meta, dict) or not isinstance(name, str):
        return None
    generation = meta.get("generation")
    known = {field: meta[given] for field, given in _META.items() if isinstance(meta.get(given), str)}
    return make(body, ObjectMeta(name=name, generation=generation if isinstance(generation, int) else 0, **known))


def _policy(body: dict[str, Any], metadata: ObjectMeta) -> Resource | None:
    targets = tuple(_targets(body))
    if not targets:
        return None
    return BackendTLSPolicy(
        api_version=str(body.get("apiVersion", "")),
        kind="BackendTLSPolicy",
        metadata=metadata,
        spec=BackendTLSPolicySpec(
            targets, BackendTLSPolicyValidation(hostname=UNSOUND, well_known_ca_certificates=UNSOUND)
        ),
    )


def _direct_response(body: dict[str, Any], metadata: ObjectMeta) -> Resource:
    spec = direct_response.DirectResponseSpec(status=direct_response.UNSOUND)
    return direct_response.DirectResponse(str(body.get("apiVersion", "")), "DirectResponse", metadata, spec)


def _targets(body: dict[str, Any]) -> list[PolicyTargetReference]:
    """Those that can be read; a port that cannot stands for the whole Service."""
    spec = body.get("spec")
    given = spec.get("targetRefs") if isinstance(spec, dict) else None
    found = []
    for target in given if isinstance(given, list) else ():
        name = target.get("name") if isinstance(target, dict) else None
        if isinstance(name, str) and target.get("kind") == "Service":
            section = target.get("sectionName")
            found.append(PolicyTargetReference("", "Service", name, section if isinstance(section, str) else None))
    return found


_STAND_INS: dict[type[Resource], Callable[[dict[str, Any], ObjectMeta], Resource | None]] = {
    BackendTLSPolicy: _policy,
    direct_response.DirectResponse: _direct_response,
}
"""Kinds that have them."""
