"""Explanations of requests to listeners that read none."""

from typing import Any

import pytest

from proxy.snapshot.certificate import Certificate
from proxy.snapshot.explain import explain_request
from proxy.snapshot.question import Asked
from proxy.snapshot.snapshot import Bind, Listener, Snapshot

LISTENERS = [
    Listener("d/gw", "tcp", "TCP", b"", 9000),
    Listener("d/gw", "udp", "UDP", b"", 9001),
    Listener("d/gw", "on", "TLS", b"on.example", 443),
    Listener("d/gw", "off", "TLS", b"off.example", 443, ("c",)),
    Listener("d/gw", "https", "HTTPS", b"www.example", 443, ("c",)),
]
SNAPSHOT = Snapshot(
    generation=1,
    binds=(
        Bind("", 9000, ("d/gw/tcp",)),
        Bind("", 9001, ("d/gw/udp",), "UDP"),
        Bind("", 443, ("d/gw/on", "d/gw/off", "d/gw/https")),
    ),
    listeners={listener.key: listener for listener in LISTENERS},
    buckets={},
    upstreams={},
    certificates={"c": Certificate(b"", b"", (b"www.example",), "c", 0.0)},
)


def told(url: str) -> dict[str, Any]:
    return explain_request(SNAPSHOT, Asked("GET", url))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://x.example:9000/", "listener d/gw/tcp is one of TCP: whatever comes is passed on as it is"),
        ("https://x.example:9000/", "listener d/gw/tcp is one of TCP: whatever comes is passed on as it is"),
        ("https://on.example/", "listener d/gw/on is one of TLS: its connections are passed on as they are"),
        ("https://off.example/", "listener d/gw/off is one of TLS: its connections are passed on decrypted"),
        ("http://x.example:9001/", "nothing listens on port 9001; declared ports: 443, 9000"),
    ],
)
def test_no_request_is_read_there(url: str, why: str) -> None:
    answer = told(url)
    assert answer["refused"].startswith(why) and answer["winner"] is None
    assert [outcome["status"] for outcome in answer["outcomes"]] == [None]


def test_https_beside_it_is_explained_as_ever() -> None:
    answer = told("https://www.example/")
    assert answer["listener"] == "d/gw/https" and answer["outcomes"][0]["status"] == 404
