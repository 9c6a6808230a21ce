"""Statuses as objects may hold them: ours, others', and both in any order."""

from typing import Any

from hypothesis import strategies as st

US = "penstock.dev/gateway-controller"
NAMES = st.sampled_from(["a", "b", "c"])
OUR_TYPES = st.sampled_from(["Accepted", "Programmed", "ResolvedRefs", "PartiallyInvalid"])
FOREIGN_TYPES = st.sampled_from(["example.com/Ready", "Checked", "Priced"])
TIMES = st.sampled_from(["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"])


def conditions(types: st.SearchStrategy[str], *, written: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    """`written`: as the API holds them, with a lastTransitionTime."""
    fields = {
        "type": types,
        "status": st.sampled_from(["True", "False", "Unknown"]),
        "reason": st.sampled_from(["Accepted", "Invalid"]),
        "message": st.sampled_from(["", "why"]),
        "observedGeneration": st.integers(1, 3),
    }
    one = st.fixed_dictionaries({**fields, "lastTransitionTime": TIMES} if written else fields)
    return st.lists(one, max_size=4, unique_by=lambda item: item["type"])


HELD_CONDITIONS = conditions(st.one_of(OUR_TYPES, FOREIGN_TYPES), written=True)
OUR_CONDITIONS = conditions(OUR_TYPES, written=False)


def references() -> st.SearchStrategy[dict[str, Any]]:
    base = {"group": st.just("gateway.networking.k8s.io"), "kind": st.just("Gateway"), "name": NAMES}
    return st.fixed_dictionaries(base, optional={"sectionName": NAMES, "port": st.sampled_from([80, 443])})


def parents(controllers: st.SearchStrategy[str], held: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    one = st.fixed_dictionaries({"parentRef": references(), "controllerName": controllers, "conditions": held})
    return st.lists(
        one, max_size=5, unique_by=lambda item: (item["controllerName"], str(sorted(item["parentRef"].items())))
    )


def listeners(held: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    one = st.fixed_dictionaries({
        "name": NAMES, "attachedRoutes": st.integers(0, 2), "supportedKinds": st.just([]), "conditions": held,
    })  # fmt: skip
    return st.lists(one, max_size=3, unique_by=lambda item: item["name"])


HELD = st.fixed_dictionaries(
    {},
    optional={
        "conditions": HELD_CONDITIONS,
        "listeners": listeners(HELD_CONDITIONS),
        "parents": parents(st.sampled_from([US, "example.com/other", "example.org/third"]), HELD_CONDITIONS),
        "attachedListenerSets": st.just(2),
    },
)
DESIRED = st.one_of(
    st.fixed_dictionaries(
        {"conditions": OUR_CONDITIONS, "listeners": listeners(OUR_CONDITIONS), "addresses": st.just([])}
    ),
    st.fixed_dictionaries({"parents": parents(st.just(US), OUR_CONDITIONS)}),
)
