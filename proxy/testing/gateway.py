"""Gateway: a configuration that is asked instead of served."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from proxy.cases.answer import Outcome
from proxy.cli.loading import explained, load_given
from proxy.resources.problem import Problem
from proxy.snapshot.question import CLIENT, Asked
from proxy.sources.documents import digest
from proxy.sources.read import FileBytes, Reader
from proxy.testing import Declared
from proxy.testing.answer import Answer
from proxy.testing.errors import refuse_errors
from proxy.translate.explain.explain import Explained

Headers = Mapping[str, str | Sequence[str]]
"""Name to its value, or its values in order."""


class Gateway:
    """Answers what the gateway would do with a request. Made by `load`, or by the fixture `penstock`."""

    def __init__(
        self, source: Explained, problems: tuple[Problem, ...] = (), told: Callable[[Answer], None] | None = None
    ) -> None:
        """`told`: hears of every answer that is given."""
        self.source = source
        """What is asked, and where all of it was declared."""
        self.problems = problems
        """What `penstock check` finds: warnings, and with `strict=False` errors."""
        self._told = told

    @classmethod
    def load(
        cls,
        *declared: Declared,
        strict: bool = True,
        root: Path | None = None,
        told: Callable[[Answer], None] | None = None,
    ) -> "Gateway":
        """As `proxy.testing.load`. `root`: where relative paths begin; None for the working directory."""
        __tracebackhide__ = True
        candidate = load_given(list(_files(declared, root)))
        if strict:
            refuse_errors(candidate)
        return cls(explained(candidate), candidate.problems, told)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Headers | None = None,
        client: str = CLIENT,
        sni: str | None = None,
        address: str = "",
    ) -> Answer:
        """What becomes of a request.

        url: its port is a declared one, its scheme http unless it says https. headers: a Host takes the place of the
        URL's. client: the address that it comes from. sni: the server name of the TLS connection, "" for none; None is
        the URL's host. address: which of the gateway's is connected to, where Gateways share a port at several.
        Raises BadQuestion, a ValueError, for a URL that no client could ask for.
        """
        fields = tuple((name, value) for name, values in (headers or {}).items() for value in _values(values))
        answer = Answer(Outcome(self.source, Asked(method, url, fields, client, sni, address)))
        if self._told is not None:
            self._told(answer)
        return answer

    def get(self, url: str, *, headers: Headers | None = None) -> Answer:
        """`request("GET", …)`."""
        return self.request("GET", url, headers=headers)

    def head(self, url: str, *, headers: Headers | None = None) -> Answer:
        """`request("HEAD", …)`."""
        return self.request("HEAD", url, headers=headers)

    def post(self, url: str, *, headers: Headers | None = None) -> Answer:
        """`request("POST", …)`."""
        return self.request("POST", url, headers=headers)

    def put(self, url: str, *, headers: Headers | None = None) -> Answer:
        """`request("PUT", …)`."""
        return self.request("PUT", url, headers=headers)

    def patch(self, url: str, *, headers: Headers | None = None) -> Answer:
        """`request("PATCH", …)`."""
        return self.request("PATCH", url, headers=headers)

    def delete(self, url: str, *, headers: Headers | None = None) -> Answer:
        """`request("DELETE", …)`."""
        return self.request("DELETE", url, headers=headers)

    def options(self, url: str, *, headers: Headers | None = None) -> Answer:
        """`request("OPTIONS", …)`."""
        return self.request("OPTIONS", url, headers=headers)


def _values(values: str | Sequence[str]) -> Sequence[str]:
    return [values] if isinstance(values, str) else values


def _files(declared: Sequence[Declared], root: Path | None) -> Iterator[FileBytes]:
    """The files of all paths, and a file in the place of each text and mapping."""
    for number, one in enumerate(declared, 1):
        if isinstance(one, Mapping):
            yield _file(f"<object {number}>", json.dumps(one))
        elif isinstance(one, str) and "\n" in one:
            yield _file(f"<text {number}>" if len(declared) > 1 else "<text>", one)
        else:
            yield from Reader([os.fspath(one if root is None else root / one)]).read()


def _file(name: str, text: str) -> FileBytes:
    data = text.encode("utf-8", "surrogatepass")
    return FileBytes(name, data, None, digest(data))
