"""Names of certificates: a table, and OpenSSL asked the same."""

import itertools
import ssl

import pytest

from proxy.tls.names import matches_any, matches_host
from tests.certificates import Authority, server_side

ROOT = Authority()
SPIFFE = "spiffe://one.example/ns/shop/sa/cart"

HOSTS = [
    # (wanted, name in the certificate, whether it is one)
    ("one.example.com", "one.example.com", True),
    ("one.example.com", "ONE.Example.COM", True),
    ("one.example.com", "two.example.com", False),
    ("one.example.com", "one.example.com.evil.org", False),
    ("one.example.com", "example.com", False),
    ("one.example.com", "*.example.com", True),
    ("ONE.example.com", "*.EXAMPLE.com", True),
    ("a.one.example.com", "*.example.com", False),
    ("example.com", "*.example.com", False),
    ("one.example.com", "o*.example.com", False),
    ("one.example.com", "*ne.example.com", False),
    ("one.example.com", "one.*.com", False),
    ("one.example.com", "*.*.com", False),
    ("one.example.com", "*", False),
    ("one.example.com", "", False),
    ("example.com", "*.com", False),
    ("xn--nxasmq6b.example.com", "*.example.com", True),
    ("kube.example.com", "\N{KELVIN SIGN}ube.example.com", False),  # which is a k, made small
    ("kube.example.com", "*.example.com.", False),
    ("one.example.com", "one.example.com\0.evil.org", False),
    ("one.example.com", "one.example.com.", False),
    # What only we know: who is trusted can be a wildcard, too.
    ("*.example.com", "one.example.com", True),
    ("*.example.com", "*.example.com", True),
    ("*.example.com", "*.one.example.com", False),
    ("*.example.com", "a.one.example.com", False),
    ("*.example.com", "example.com", False),
    ("*.com", "example.com", False),
]


@pytest.mark.parametrize(("wanted", "name", "expected"), HOSTS)
def test_hosts(wanted: str, name: str, expected: bool) -> None:
    assert matches_host(wanted, name) == expected


URIS = [
    (SPIFFE, True),
    (SPIFFE.upper(), False),
    (SPIFFE + "/", False),
    (SPIFFE[:-1], False),
    ("spiffe://one.example/ns/shop/sa/%63art", False),
    ("spiffe://*/ns/shop/sa/cart", False),
]


@pytest.mark.parametrize(("name", "expected"), URIS)
def test_uris_are_compared_octet_by_octet(name: str, expected: bool) -> None:
    assert matches_any([("URI", SPIFFE)], [("URI", name)]) == expected


def test_a_name_is_for_its_own_kind_and_one_of_several_is_enough() -> None:
    assert not matches_any([("DNS", "a.example.com")], [("URI", "a.example.com"), ("IP Address", "a.example.com")])
    assert not matches_any([("URI", "a.example.com")], [("DNS", "a.example.com")])
    assert matches_any([("DNS", "b.example.com"), ("URI", SPIFFE)], [("DNS", "a.example.com"), ("URI", SPIFFE)])
    assert not matches_any([("DNS", "b.example.com")], [])
    assert not matches_any([], [("DNS", "b.example.com")])


# --- the oracle -------------------------------------------------------------------------------

LABELS = ["*", "a", "A", "xn--nxasmq6b", "a*"]
NAMES = [".".join((*first, "example", "com")) for n in (0, 1, 2) for first in itertools.product(LABELS, repeat=n)]
ASKED = ["example.com", "a.example.com", "b.example.com", "a.a.example.com", "xn--nxasmq6b.example.com"]


def openssl_says(context: ssl.SSLContext, server: ssl.SSLContext, host: str) -> bool:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=host)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (client, other, client):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError:
            return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_hosts_are_what_openssl_takes_them_for(name: str) -> None:
    context = ssl.create_default_context(cadata=ROOT.pem.decode())
    server = server_side(ROOT.issues(name))
    assert {host: matches_host(host, name) for host in ASKED} == {
        host: openssl_says(context, server, host) for host in ASKED
    }
