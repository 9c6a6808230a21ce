"""Cookies of requests, as clients send them and as they should not."""

import pytest

from proxy.protocol.cookies import cookie_values

ROWS = [
    # (Cookie fields, values of the cookie `s`)
    ([], []),
    ([b"s=1"], [b"1"]),
    ([b"a=0; s=1; b=2"], [b"1"]),
    ([b"a=0;s=1;b=2"], [b"1"]),
    ([b"a=0; s=1", b"s=2"], [b"1", b"2"]),
    ([b"s=1; s=2"], [b"1", b"2"]),
    ([b's="1"'], [b"1"]),
    ([b's="1'], [b'"1']),
    ([b's="'], [b'"']),
    ([b"s="], [b""]),
    ([b"s = 1 "], [b"1"]),
    ([b"s=1=2"], [b"1=2"]),
    ([b"s"], []),
    ([b"S=1; xs=2; sx=3; a=s"], []),
    ([b"; ;=;s=1;;"], [b"1"]),
]


@pytest.mark.parametrize(("fields", "values"), ROWS)
def test_the_values_of_a_name(fields: list[bytes], values: list[bytes]) -> None:
    headers = [(b"host", b"s=0"), *((b"cookie", field) for field in fields), (b"x-cookie", b"s=9")]
    assert cookie_values(headers, b"s") == values
