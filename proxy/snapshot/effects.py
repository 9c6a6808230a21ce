"""What filters make of one request: each is really run, and what is different afterwards is told.

Only a mirror is not run, as it draws lots, and one that would wait for somebody else is not waited for, nor asked.
"""

from collections.abc import Callable, Mapping
from inspect import isawaitable, iscoroutine
from typing import Any, NamedTuple

from proxy.errors import FilterFailed, ProxyError
from proxy.filters import build_chain
from proxy.filters.base import FilterContext
from proxy.protocol.http1.encode import encode_request
from proxy.protocol.http2.sections import request_section
from proxy.protocol.message import Headers, Reply, Request, Response
from proxy.snapshot.describe import filter_data, mirrored_percent, text
from proxy.snapshot.route import ExternalAuth, Filter, Mirror
from proxy.snapshot.snapshot import Protocol

Data = dict[str, Any]


class Filtered(NamedTuple):
    """What became of a request after all filters of one place."""

    filters: list[Data]
    """`describe.filter_data` of each with `changes`, and what EFFECTS adds."""
    reply: Reply | None = None
    """The answer that one of them gave."""
    failure: ProxyError | None = None
    """The error that one of them ended in."""

    @property
    def ended(self) -> bool:
        return self.reply is not None or self.failure is not None


def run_filters(filters: tuple[Filter, ...], request: Request, context: FilterContext) -> Filtered:
    """Changes the request as they do. After one has answered, the others are described and `reached` is False."""
    told: list[Data] = []
    ended = Filtered(told)
    for spec in filters:
        data = filter_data(spec)
        if ended.ended:
            told.append(data | {"reached": False})
            continue
        before, add = request.copy(), EFFECTS.get(type(spec))
        if add is None:
            ended = _run(spec, request, context, told)
        told.append(data | _changes(before, request) | (add(spec, before) if add is not None else {}))
        told[-1] |= _on_response(spec, context)
    return ended


def _run(spec: Filter, request: Request, context: FilterContext, told: list[Data]) -> Filtered:
    try:
        for step in build_chain((spec,)).on_request:
            outcome = step(request, context)
            if isinstance(outcome, Reply):
                return Filtered(told, reply=outcome)
            if isawaitable(outcome) and iscoroutine(outcome):
                outcome.close()
    except ProxyError as error:
        return Filtered(told, failure=error)
    except Exception as error:  # as the exchange takes it
        return Filtered(told, failure=FilterFailed("filter_failed", f"{type(error).__name__}: {error}"))
    return Filtered(told)


def _mirror_effect(spec: Mirror, request: Request) -> Data:
    """The copy is what the request is at this place in the order."""
    percent = 0.0 if request.upgrade else mirrored_percent(spec)
    return {"copy": {"percent": percent, "target": text(target(request)), "host": host(request)}}


def _external_auth_effect(spec: ExternalAuth, request: Request) -> Data:
    """What is told behind it holds where the server allows the request, and changes nothing of it."""
    return {"if_not_200": "its answer is the client's"}


EFFECTS: Mapping[type[Filter], Callable[[Any, Request], Data]] = {
    Mirror: _mirror_effect,
    ExternalAuth: _external_auth_effect,
}
"""A row for a filter that is not run here: what it would do with a request, in fields of its own."""


# --- differences ------------------------------------------------------------------------------


def _changes(before: Request, after: Request) -> Data:
    """What: path, host or `header NAME`; several values of one name are joined by commas, None is none."""
    changes = []
    if target(before) != target(after):
        changes.append(_change("path", text(target(before)), text(target(after))))
    changes += _field_changes(before.headers, after.headers)
    return {"changes": changes} if changes else {}


def _field_changes(before: Headers, after: Headers) -> list[Data]:
    old, new = _by_name(before), _by_name(after)
    changed = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    return [
        _change("host" if name == b"host" else f"header {text(name)}", _joined(old.get(name)), _joined(new.get(name)))
        for name in changed
    ]


def _change(what: str, before: str | None, after: str | None) -> Data:
    return {"what": what, "before": before, "after": after}


def _by_name(headers: Headers) -> dict[bytes, list[bytes]]:
    values: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values.setdefault(name, []).append(value)
    return values


def _joined(values: list[bytes] | None) -> str | None:
    return None if values is None else text(b", ".join(values))


def _on_response(spec: Filter, context: FilterContext) -> Data:
    """What it puts on a response that has nothing yet; what it would take away stands in its description."""
    steps = build_chain((spec,)).on_response
    if not steps:
        return {}
    response = Response(200)
    for step in steps:
        step(response, context)
    return {"on_response": [[text(name), text(value)] for name, value in response.headers]}


# --- what is sent -----------------------------------------------------------------------------


class Spoken(NamedTuple):
    """How an endpoint is spoken to."""

    protocol: Protocol = "http"
    scheme: bytes = b"http"


HTTP1 = Spoken()


def forwarded(request: Request, spoken: Spoken = HTTP1) -> Data:
    """The head that an endpoint gets, as the codec of its protocol writes it. Raises FilterFailed."""
    if spoken.protocol == "h2":
        section = request_section(request, spoken.scheme)
        line = b"%b %b HTTP/2" % (dict(section)[b":method"], dict(section)[b":path"])
        fields = [(name, value) for name, value in section if name not in (b":method", b":path")]
    else:
        line, *lines = encode_request(request, request.content_length == 0).split(b"\r\n")[:-2]
        fields = [(name, value) for name, _, value in (each.partition(b": ") for each in lines)]
    return {"request_line": text(line), "headers": [[text(name), text(value)] for name, value in fields]}


def target(request: Request) -> bytes:
    return request.raw_path if request.query is None else request.raw_path + b"?" + request.query


def host(request: Request) -> str:
    return text(dict(request.headers).get(b"host", b""))
