"""Values from small pools, so that references often lead somewhere; some are what no source would let through."""

from typing import Any, TypeVar

from hypothesis import strategies as st

from proxy.resources import xbackend
from proxy.resources.gateway import GROUP
from proxy.resources.meta import ObjectMeta

T = TypeVar("T")

NAMES = st.sampled_from(["a", "b", "c", "a:80", "b/c"])
NAMESPACES = st.sampled_from(["default", "x", "x-y"])
PORTS = st.sampled_from([80, 81, 8080, 0, 70000])
HOSTNAMES = st.sampled_from(
    ["", "a.example.com", "b.example.com", "*.example.com", "*.com", "x.a.example.com", "EXAMPLE.com", "*", "a b", "ü"]
)
TEXTS = st.one_of(
    st.sampled_from(["x", "X", "x-y", "host", "Transfer-Encoding", "", "a b", "(", "a+"]), st.text(max_size=3)
)
STAMPS = st.sampled_from([None, "2024-01-01T00:00:00Z", "2024-01-01T01:30:00+01:00", "soon"])
GROUPS = st.sampled_from(["", GROUP, "penstock.dev", "example.com"])
HOSTS = st.sampled_from(["::1", "192.0.2.1", "x.example.com", "x.y.svc.cluster.local", "localhost", ""])
BACKEND_GROUPS = st.sampled_from(["", "", "penstock.dev", xbackend.GROUP, "example.com"])
BACKEND_KINDS = st.sampled_from(["Service", "Service", "Backend", "XBackend", "Odd"])


def tuples(items: st.SearchStrategy[T], most: int = 2) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(items, max_size=most).map(tuple)


def maybe(items: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.one_of(st.none(), items)


def resource(model: type[T], version: str, **fields: Any) -> st.SearchStrategy[T]:
    namespaced = getattr(model, "namespaced", True)
    meta = st.builds(
        ObjectMeta,
        name=NAMES,
        namespace=NAMESPACES if namespaced else st.just(""),
        labels=fields.pop("labels", st.dictionaries(st.sampled_from(["team", "tier"]), st.sampled_from(["p", "q"]))),
        creation_timestamp=STAMPS,
        generation=st.integers(0, 3),
    )
    return st.builds(model, api_version=st.just(version), kind=st.just(model.__name__), metadata=meta, **fields)
