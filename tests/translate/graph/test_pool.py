"""Who gets which address of a pool, and that nobody is moved."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.resources.meta import ObjectKey
from proxy.resources.ranges import parse_range
from proxy.translate.graph.pool import Allocation, Claim, recall

POOL = ("10.0.0.1-10.0.0.4",)
NAMES = "abcdefgh"
Wants = Mapping[str, tuple[str, ...]]
Had = dict[str, tuple[str, ...]]


def allocate(
    wants: Wants, had: Wants | None = None, pool: tuple[str, ...] = POOL, reserved: tuple[str, ...] = ()
) -> Had:
    """Gateways in the order given; each place's address, or why it has none."""
    ranges = tuple(map(parse_range, pool))
    claims = [Claim(ObjectKey("ns", name), wanted, ranges) for name, wanted in wants.items()]
    memory = {ObjectKey("ns", name): addresses for name, addresses in (had or {}).items()}
    result = Allocation(claims, memory, reserved).result()
    return {key.name: tuple(each.address or each.refusal for each in given) for key, given in result.items()}


def recalled(before: Had, told: Had) -> Had:
    memories = ({ObjectKey("ns", name): had for name, had in each.items()} for each in (before, told))
    return {key.name: had for key, had in recall({}, *memories).items()}


def test_the_lowest_free_one_by_seniority() -> None:
    assert allocate({"a": ("",), "b": ("",)}) == {"a": ("10.0.0.1",), "b": ("10.0.0.2",)}


def test_the_pool_is_asked_in_its_order() -> None:
    assert allocate({"a": ("", "")}, pool=("10.9.0.9", "10.0.0.1")) == {"a": ("10.9.0.9", "10.0.0.1")}


def test_what_it_had_it_keeps_even_when_a_senior_comes() -> None:
    assert allocate({"older": ("",), "b": ("",)}, {"b": ("10.0.0.1",)}) == {"older": ("10.0.0.2",), "b": ("10.0.0.1",)}


def test_what_it_had_is_read_in_any_spelling_and_only_inside_the_pool() -> None:
    had = {"a": ("2001:DB8:0::2",), "b": ("192.0.2.1",), "c": ("nonsense",)}
    given = allocate({"a": ("",), "b": ("",), "c": ("",)}, had, pool=("2001:db8::/125",))
    assert given == {"a": ("2001:db8::2",), "b": ("2001:db8::",), "c": ("2001:db8::1",)}


def test_of_two_that_remember_the_same_the_senior_keeps_it() -> None:
    had = {"a": ("10.0.0.3",), "b": ("10.0.0.3",)}
    assert allocate({"a": ("",), "b": ("",)}, had) == {"a": ("10.0.0.3",), "b": ("10.0.0.1",)}


def test_a_value_is_given_inside_the_pool_and_outside() -> None:
    given = allocate({"a": ("",), "b": ("10.0.0.1", "192.0.2.7")})
    assert given == {"a": ("10.0.0.2",), "b": ("10.0.0.1", "192.0.2.7")}


def test_a_value_that_another_has_from_the_pool_is_refused() -> None:
    assert allocate({"b": ("10.0.0.1",), "a": ("",)}, {"a": ("10.0.0.1",)}) == {"b": ("taken",), "a": ("10.0.0.1",)}


def test_a_value_that_was_given_stays_after_a_restart() -> None:
    had = {"a": ("10.0.0.2",), "b": ("10.0.0.1",)}
    assert allocate({"a": ("",), "b": ("10.0.0.1",)}, had) == {"a": ("10.0.0.2",), "b": ("10.0.0.1",)}


def test_values_may_be_shared() -> None:
    assert allocate({"a": ("10.0.0.1",), "b": ("10.0.0.1",)}) == {"a": ("10.0.0.1",), "b": ("10.0.0.1",)}


def test_a_pool_runs_out() -> None:
    assert allocate({"a": ("", ""), "b": ("",)}, pool=("10.0.0.1-10.0.0.2",))["b"] == ("exhausted",)
    assert allocate({"a": ("",)}, pool=("10.0.0.1",), reserved=("10.0.0.1",)) == {"a": ("exhausted",)}


ADDRESSES = st.sampled_from(["", "", "10.0.0.1", "10.0.0.3", "192.0.2.1"])
WANTS = st.dictionaries(
    st.sampled_from(NAMES), st.lists(ADDRESSES, min_size=1, max_size=2).map(lambda each: tuple(dict.fromkeys(each)))
)


@settings(max_examples=300, deadline=None)
@given(WANTS, st.lists(st.tuples(st.sampled_from(NAMES), st.booleans(), st.lists(ADDRESSES, min_size=1, max_size=1))))
def test_coming_and_going_never_moves_another(wants: Wants, steps: list[tuple[str, bool, list[str]]]) -> None:
    """Each step adds a Gateway, at the senior or the junior end, or takes one away; all others stay."""
    now = dict(wants)
    given = allocate(now)
    for name, first, wanted in steps:
        if name in now:
            del now[name]
        else:
            now = {name: tuple(wanted), **now} if first else {**now, name: tuple(wanted)}
        after = allocate(now, {key: tuple(each for each in had if each[0].isdigit()) for key, had in given.items()})
        for other, had in given.items():
            if other in now and other != name:
                assert all(old == new for old, new in zip(had, after[other], strict=True) if old[0].isdigit())
        from_pool = [
            address for key, each in after.items() for want, address in zip(now[key], each, strict=True)
            if not want and address[0].isdigit()
        ]  # fmt: skip
        by_value = {address for each in now.values() for address in each if address}
        honoured = {after[key][i] for key, each in now.items() for i, want in enumerate(each) if want} & by_value
        assert len(set(from_pool)) == len(from_pool)
        assert not honoured & set(from_pool)
        given = after


MEMORIES = st.dictionaries(st.sampled_from(NAMES), st.lists(ADDRESSES.filter(bool), max_size=2).map(tuple))


@settings(max_examples=300, deadline=None)
@given(WANTS, MEMORIES, MEMORIES)
def test_who_is_told_what_another_gave_gives_the_same_whatever_it_remembers(wants: Wants, one: Had, other: Had) -> None:
    led = allocate(wants, one)
    told = {key: addresses for key, each in led.items() if (addresses := tuple(a for a in each if a[0].isdigit()))}
    assert allocate(wants, recalled(other, told)) == led
