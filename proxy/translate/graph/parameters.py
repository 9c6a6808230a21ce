"""References to GatewayParameters: of a GatewayClass for all its Gateways, of a Gateway for itself."""

from collections.abc import Iterator

from msgspec import to_builtins

from proxy.resources.gateway import Gateway, GatewayClass
from proxy.resources.meta import Model, ObjectKey
from proxy.resources.own import GROUP
from proxy.resources.parameters import DedicatedDeployment, GatewayParameters, GatewayParametersSpec, SharedService
from proxy.resources.problem import dotted
from proxy.resources.store import ResourceSet
from proxy.resources.validate_parameters import validate_parameters
from proxy.translate.graph import address_conditions as c
from proxy.translate.graph.conditions import Finding
from proxy.translate.graph.nearest import Names

KIND = "GatewayParameters"

Resolved = GatewayParametersSpec | Finding | None
"""The parameters, why they cannot be had, or None where none are asked for."""


def class_parameters(owner: GatewayClass, resources: ResourceSet) -> Resolved:
    ref, field = owner.spec.parameters_ref, "spec.parametersRef"
    if ref is None:
        return None
    if (ref.group, ref.kind) != (GROUP, KIND):
        return c.parameters_kind(field, ref.group, ref.kind)
    if ref.namespace is None:
        return c.parameters_namespace(field)
    return _resolve(ObjectKey(ref.namespace, ref.name), field, resources)


def gateway_parameters(gateway: Gateway, resources: ResourceSet) -> Resolved:
    """A local reference: the object is in the Gateway's own namespace."""
    infrastructure = gateway.spec.infrastructure
    ref, field = infrastructure.parameters_ref if infrastructure else None, "spec.infrastructure.parametersRef"
    if ref is None:
        return None
    if (ref.group, ref.kind) != (GROUP, KIND):
        return c.parameters_kind(field, ref.group, ref.kind)
    key = ObjectKey(gateway.metadata.namespace, ref.name)
    found = _resolve(key, field, resources)
    reserved = None if isinstance(found, Finding) else next(_reserved(found), None)
    return found if reserved is None else c.parameters_of_class_only(field, str(key), reserved)


def _reserved(spec: GatewayParametersSpec) -> Iterator[str]:
    """What runs or is reached with rights that whoever owns one Gateway need not have."""
    if spec.service is not None:
        yield from _changed("spec.service", spec.service, SharedService(), ("selector", "targetPorts"))
    if spec.deployment is not None:
        yield from _changed("spec.deployment", spec.deployment, DedicatedDeployment(), ("image", "args"))


def _changed(field: str, given: Model, usual: Model, names: tuple[str, ...]) -> Iterator[str]:
    """Those of the fields that are not as they are by default."""
    one, other = to_builtins(given), to_builtins(usual)
    yield from (f"{field}.{name}" for name in names if one.get(name) != other.get(name))


def _resolve(key: ObjectKey, field: str, resources: ResourceSet) -> GatewayParametersSpec | Finding:
    declared = resources.by_kind(GatewayParameters)
    found = declared.get(key)
    if found is None:
        names = Names(each.name for each in declared if each.namespace == key.namespace)
        return c.parameters_missing(field, str(key), names.hint(key.name, f"{KIND} of namespace {key.namespace}"))
    wrong = next(_wrong(found), None)
    return found.spec if wrong is None else c.parameters_invalid(field, str(key), wrong)


def _wrong(parameters: GatewayParameters) -> Iterator[str]:
    for finding in validate_parameters(parameters):
        yield f"{dotted(finding.path)}: {finding.message}"
