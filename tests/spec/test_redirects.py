"""RequestRedirect: every part of Location (HTTPRequestRedirectFilter), of a rule and of one backend."""

import pytest

from tests.certificates import pair
from tests.spec.certificates import secret, terminates
from tests.spec.served import Answer, Served
from tests.spec.site import WEB, backend, gateway, listener, prefix, route, rule

CERTIFICATE = pair("example.org")
THREE = secret("cert", CERTIFICATE) + gateway(
    listener("http"), listener("http-8080", port=8080),
    listener("https", port=443, protocol="HTTPS", more=terminates("cert")),
)  # fmt: skip


def redirect(fields: str) -> str:
    return f"{{type: RequestRedirect, requestRedirect: {{{fields}}}}}"


def replaces(kind: str, value: str) -> str:
    field = {"ReplaceFullPath": "replaceFullPath", "ReplacePrefixMatch": "replacePrefixMatch"}[kind]
    return f"path: {{type: {kind}, {field}: {value or repr('')}}}"


def redirects(*fields: str) -> str:
    return WEB + route("r", rule(filters=redirect(", ".join(fields))))


async def asked(site: str, line: str) -> tuple[int, str | None]:
    async with Served(site) as served:
        answer = await served.ask(line)
        return answer.status, answer.field("location")


@pytest.mark.parametrize(
    ("fields", "status", "location"),
    [
        ("hostname: example.org", 302, "http://example.org/some/path?q=1"),
        ("hostname: example.org, statusCode: 301", 301, "http://example.org/some/path?q=1"),
        ("scheme: https", 302, "https://host.example/some/path?q=1"),
        ("port: 8083", 302, "http://host.example:8083/some/path?q=1"),
        ("hostname: example.org, port: 8083", 302, "http://example.org:8083/some/path?q=1"),
        ("", 302, "http://host.example/some/path?q=1"),
    ],
)
async def test_what_is_not_named_stays_as_it_was_asked_for(fields: str, status: int, location: str) -> None:
    """The host is given or Host without its port; path and query stay; 302 unless another is asked for."""
    assert await asked(redirects(fields), "host.example:1234/some/path?q=1") == (status, location)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_status(status: int, method: str) -> None:
    site = redirects(f"hostname: example.org, statusCode: {status}")
    assert await asked(site, f"{method} a/path") == (status, "http://example.org/path")


PORTS = {
    # scheme and port of the filter -> Location on the listeners 80, 8080 and 443 (HTTPS)
    ("", ""): ("http://example.org", "http://example.org:8080", "https://example.org"),
    ("", "80"): ("http://example.org", "http://example.org", "https://example.org:80"),
    ("", "443"): ("http://example.org:443", "http://example.org:443", "https://example.org"),
    ("", "8080"): ("http://example.org:8080",) * 2 + ("https://example.org:8080",),
    ("", "8443"): ("http://example.org:8443",) * 2 + ("https://example.org:8443",),
    ("http", ""): ("http://example.org",) * 3,
    ("http", "80"): ("http://example.org",) * 3,
    ("http", "8080"): ("http://example.org:8080",) * 3,
    ("http", "443"): ("http://example.org:443",) * 3,
    ("https", ""): ("https://example.org",) * 3,
    ("https", "443"): ("https://example.org",) * 3,
    ("https", "8443"): ("https://example.org:8443",) * 3,
}


async def test_scheme_and_port() -> None:
    """A scheme brings its well-known port, which is never written; without one the listener's port counts."""

    def fields(scheme: str, port: str) -> str:
        given = [f"scheme: {scheme}"] if scheme else []
        return ", ".join(["hostname: example.org", *given, *([f"port: {port}"] if port else [])])

    rules = [rule(prefix(f"/{s or 'nil'}-{p or 'nil'}"), filters=redirect(fields(s, p))) for s, p in PORTS]
    async with Served(THREE + route("r", *rules)) as site:
        for (scheme, port), expected in PORTS.items():
            line = f"example.org/{scheme or 'nil'}-{port or 'nil'}"
            got = [
                await site.ask(line),
                await site.ask(line, port=8080),
                await site.ask_securely(line, "example.org", CERTIFICATE),
            ]
            path = line.removeprefix("example.org")
            assert [each.field("location") for each in got] == [base + path for base in expected], line


PATHS = [
    # (prefix that matched, request, modifier, path of Location)
    (
        "/original-prefix",
        "/original-prefix/lemon",
        ("ReplacePrefixMatch", "/replacement-prefix"),
        "/replacement-prefix/lemon",
    ),
    ("/full", "/full/path/original", ("ReplaceFullPath", "/full-path-replacement"), "/full-path-replacement"),
    ("/p", "/p", ("ReplacePrefixMatch", "/replacement-prefix"), "/replacement-prefix"),
    ("/p", "/p?x=1&y", ("ReplacePrefixMatch", "/r"), "/r?x=1&y"),
    ("/p", "/p/a?x=1", ("ReplaceFullPath", "/r"), "/r?x=1"),
    ("/p", "/p?x=1", ("ReplacePrefixMatch", ""), "/?x=1"),
]


@pytest.mark.parametrize("place", ["rule", "backend"])
@pytest.mark.parametrize(("matched", "asked_for", "modifier", "path"), PATHS)
async def test_the_path(place: str, matched: str, asked_for: str, modifier: tuple[str, str], path: str) -> None:
    """The same for a filter of the rule and for one of the backend that was chosen."""
    item = redirect(f"hostname: example.org, {replaces(*modifier)}, statusCode: 301")
    one = (
        rule(prefix(matched), filters=item)
        if place == "rule"
        else rule(prefix(matched), to=backend("v1", f", filters: [{item}]"))
    )
    assert await asked(WEB + route("r", one), f"a{asked_for}") == (301, f"http://example.org{path}")


async def test_a_redirect_of_one_backend_is_for_its_share() -> None:
    """Backends stay as they are weighted: one answers, the other sends elsewhere."""
    elsewhere = redirect("hostname: example.org")
    refs = f"{backend('v1')}, {backend('v2', f', filters: [{elsewhere}]')}"
    async with Served(WEB + route("r", rule(to=refs))) as site:
        got: list[Answer] = [await site.ask("a/x") for _ in range(10)]
        assert sorted(map(str, (each.outcome for each in got))) == ["302"] * 5 + ["v1"] * 5
