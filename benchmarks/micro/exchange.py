"""python -m benchmarks.micro.exchange: one request and its answer through the whole data plane, without sockets.

Parsing, routing, filters, the pool, forwarding, metrics and framing are the product's own classes; only the
event loop's transports are not real. So this is what Python costs per request, and the kernel nothing: it
repeats within a few per cent on a busy machine, where figures under load do not. Rank designs by it.
"""

import sys
from collections.abc import Sequence

from benchmarks.load.workloads import CLOSE
from benchmarks.micro import messages
from benchmarks.micro.calls import AT_ONCE, calls
from benchmarks.micro.timing import Work, main
from benchmarks.micro.wired import Wire
from proxy.snapshot.route import Filter, HeaderModifier, Rewrite

KIB = 1024
SOME_FILTERS: tuple[Filter, ...] = (
    HeaderModifier("request", set=((b"x-team", b"blue"),), remove=(b"x-debug",)),
    Rewrite(hostname="inner.example.com"),
    HeaderModifier("response", add=((b"x-served-by", b"penstock"),)),
)


def exchange(request: bytes, answer: bytes, filters: tuple[Filter, ...] = ()) -> Work:
    """The request goes in, the endpoint's answer goes in, the answer comes out; over and over."""
    wire = Wire(filters)
    asked, answered = messages.reads(request), messages.reads(answer)
    got = wire.first_exchange(asked, answered)
    assert got.startswith(b"HTTP/1.1 200 "), got[:200]
    from_client, from_endpoint, transport = wire.from_client, wire.from_endpoint, wire.transport

    def work(count: int) -> None:
        before = transport.octets
        for _ in range(count):
            for piece in asked:
                from_client(piece)
            for piece in answered:
                from_endpoint(piece)
        assert transport.octets - before == count * len(got), "answers are missing"

    return work


def own_answer(request: bytes, status: bytes) -> Work:
    """Answered by the gateway itself."""
    wire = Wire()
    got = wire.first_exchange([request], [])
    assert got.startswith(b"HTTP/1.1 %b " % status), got[:200]
    from_client, transport = wire.from_client, wire.transport

    def work(count: int) -> None:
        before = transport.octets
        for _ in range(count):
            from_client(request)
        assert transport.octets - before == count * len(got), "answers are missing"

    return work


def visit(answer: bytes) -> Work:
    """Every request on a connection of its own, which the gateway closes."""
    wire, closing = Wire(), messages.get(CLOSE)
    wire.first_exchange([messages.get()], [answer])  # makes the connection to the endpoint
    size = wire.visit(closing, answer)

    def work(count: int) -> None:
        for _ in range(count):
            assert wire.visit(closing, answer) == size, "the answer is not whole"

    return work


def works() -> dict[str, Work]:
    small, medium, large = messages.answer(200), messages.answer(10 * KIB), messages.answer(KIB * KIB)
    cases: Sequence[tuple[str, Work]] = [
        ("GET 200 B, 2 headers", exchange(messages.get(), small)),
        ("GET 200 B, 12 browser headers", exchange(messages.BROWSER, small)),
        ("GET 200 B, 2 headers, 3 filters", exchange(messages.get(), small, SOME_FILTERS)),
        ("GET 10 KiB", exchange(messages.get(), medium)),
        ("GET 10 KiB chunked", exchange(messages.get(), messages.answer_chunked(10 * KIB))),
        ("GET 1 MiB", exchange(messages.get(), large)),
        ("POST 10 KiB", exchange(messages.post(10 * KIB), small)),
        ("POST 10 KiB chunked", exchange(messages.post_chunked(10 * KIB), small)),
        ("GET 200 B, new connection", visit(small)),
        (f"{AT_ONCE} calls of gRPC, HTTP/2 both ways", calls()),
        ("404, no rule", own_answer(messages.get().replace(b"/svc", b"/none"), b"404")),
    ]
    return dict(cases)


if __name__ == "__main__":
    sys.exit(main(__doc__, works, "exchange"))
