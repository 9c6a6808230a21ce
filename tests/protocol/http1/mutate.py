"""Mutants of a corpus: the same vectors, cut, crossed and sprinkled with what parsers stumble over."""

import random
from collections.abc import Iterator

SPICES = [
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\x00", b"\x0b", b"\x7f", b"\x80", b"\xff", b":", b";", b",", b"=", b'"',
    b"\\",
    b"/", b"?", b"#", b"%", b"%2e", b"..", b"@", b"*", b"0", b"6", b"a", b"+", b"-", b"_", b"x", b"\r\n ", b"\r\n\r\n",
    b"\r\n0\r\n\r\n", b"Content-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: a\r\n",
    b"Connection: close\r\n",
    b"Connection: x\r\n", b"X: y\r\n", b"HTTP/1.0", b"HTTP/1.1", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"chunked",
]  # fmt: skip


def mutants(corpus: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """The same for the same seed."""
    dice = random.Random(seed)
    for _ in range(count):
        data = dice.choice(corpus)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            data = _mutated(data, corpus, dice)
        yield data


def _mutated(data: bytes, corpus: list[bytes], dice: random.Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    to = min(len(data), at + dice.choice((0, 1, 1, 2, 5, 20)))
    kind = dice.randrange(7)
    if kind <= 1:
        return data[:at] + dice.choice(SPICES) + data[at:]
    if kind == 2:
        return data[:at] + dice.choice(SPICES) + data[to:]
    if kind == 3:
        return data[:at] + data[to:]
    if kind == 4:
        return data[:at] + data[at:to] * 2 + data[to:]
    if kind == 5:
        return data[:at] + bytes((dice.randrange(256),)) + data[at + 1 :]
    other = dice.choice(corpus)
    return data[:at] + other[dice.randrange(len(other) + 1) :]
