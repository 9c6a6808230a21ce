"""The nearest name that exists, for messages that help with a typing error."""

from collections.abc import Iterable, Iterator

_FEW = 5
_LONGEST = 64


class Names:
    """The names that were possible at one place. Sized for tens of thousands of them and of mistakes.

    Two names are near when one insertion, deletion, substitution or swap, or case, parts them: such
    names share a shape, which is the name itself or the name with one character left out. The index
    of shapes is made at the first question, so sound configurations never pay for it.
    """

    __slots__ = ("_names", "_shapes")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(set(names))
        self._shapes: dict[str, str] | None = None

    def nearest(self, word: str) -> str | None:
        """The name that `word` was probably meant to be."""
        if self._shapes is None:
            self._shapes = {shape: name for name in reversed(self._names) for shape in _shapes(name)}
        return next((self._shapes[shape] for shape in _shapes(word) if shape in self._shapes), None)

    def hint(self, word: str, what: str) -> str:
        """A sentence that names the nearest name, else the few that exist. `what` is their plural."""
        near = self.nearest(word)
        if near is not None:
            return f"did you mean {near!r}?"
        if not self._names:
            return f"nothing declares any {what}"
        listed = ", ".join(self._names[:_FEW])
        more = len(self._names) - _FEW
        return f"the {what} are: {listed}" + (f" and {more} more" if more > 0 else "")


def _shapes(name: str) -> Iterator[str]:
    name = name.lower()[:_LONGEST]
    yield name
    for i in range(len(name)):
        yield name[:i] + name[i + 1 :]
