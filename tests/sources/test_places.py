"""Where fields stand."""

import pytest

from proxy.sources.places import Places

TEXT = """\
# a comment
apiVersion: v1
spec:
  rules:
    - name: a
      empty:
    - name: &x b
      matches: [{path: /a}, {path: /b}]
  same: *x
  ? [odd]
  : 1
  last: true
"""


@pytest.mark.parametrize(
    ("path", "at_key", "place"),
    [
        ((), False, (2, 1)),
        (("apiVersion",), False, (2, 13)),
        (("apiVersion",), True, (2, 1)),
        (("spec", "rules", 0), False, (5, 7)),
        (("spec", "rules", 0, "empty"), False, (6, 7)),
        (("spec", "rules", 1, "name"), False, (7, 13)),
        (("spec", "rules", 1, "matches", 1, "path"), False, (8, 36)),
        (("spec", "rules", 1, "matches", 1, "path"), True, (8, 30)),
        (("spec", "same"), False, (9, 9)),
        (("spec", "last"), True, (12, 3)),
        (("spec", "rules", 1, "missing"), True, (7, 7)),
        (("spec", "rules", 7, "missing"), True, (4, 3)),
        (("nothing", "here"), False, (2, 1)),
    ],
)
def test_a_field_is_found(path: tuple[str | int, ...], at_key: bool, place: tuple[int, int]) -> None:
    assert Places(TEXT, [path]).find(path, at_key) == place


def test_json_has_places_too() -> None:
    text = '{\n  "a": [\n    {"b": 1}\n  ]\n}\n'
    path = ("a", 0, "b")
    assert Places(text, [path]).find(path) == (3, 11)


def test_what_was_read_before_a_mistake_is_known() -> None:
    assert Places("a: 1\nb: [", [("a",)]).find(("a",)) == (1, 4)


@pytest.mark.parametrize("text", ["", "\t"])
def test_nothing_stands_nowhere(text: str) -> None:
    assert Places(text, [("a",)]).find(("a",)) == (0, 0)
