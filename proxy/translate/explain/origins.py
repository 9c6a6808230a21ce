"""Origins: which object, field, option or default something comes from, as data.

An object is `kind`, `namespace`, `name` and `field`, with `file` and `line` where it was read from files. An option
of the command line is `option` and `value`; what nobody has said is `default`, with the words for it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from proxy.resources.meta import Resource
from proxy.resources.problem import Problem
from proxy.resources.store import ResourceSet

Data = dict[str, Any]
Locate = Callable[[Iterable[Problem]], tuple[Problem, ...]]
"""sources.base.Loaded.place: gives the field of an object its line."""


class Origins:
    """Hands out origins, and gives all of them their lines at the end, in one go: files are read again for that."""

    def __init__(self, resources: ResourceSet) -> None:
        self._resources = resources
        self._asked: list[tuple[Data, Problem]] = []

    def of(self, resource: Resource, field: str = "") -> Data:
        """`field`: dotted path; "" for the object as a whole."""
        meta = resource.metadata
        file, line = self._resources.origin(resource)
        data: Data = {"kind": resource.kind, "namespace": meta.namespace, "name": meta.name, "field": field}
        if file:
            data |= {"file": file, "line": line}
            about = Problem("notice", "", resource.kind, meta.namespace, meta.name, field, file=file, line=line)
            self._asked.append((data, about))
        return data

    def settle(self, locate: Locate) -> None:
        """Lines of fields, where the file is still as it was read; else the line of the object."""
        placed = locate(problem for _, problem in self._asked)
        for (data, _), problem in zip(self._asked, placed, strict=True):
            data["line"] = problem.line


def option(name: str, value: str) -> Data:
    return {"option": name, "value": value}


def default(words: str) -> Data:
    return {"default": words}


def named(kind: str, path: str) -> Data:
    """An object that is known by NAMESPACE/NAME only, such as a Secret whose contents are nobody's business."""
    namespace, _, name = path.rpartition("/")
    return {"kind": kind, "namespace": namespace, "name": name, "field": ""}
