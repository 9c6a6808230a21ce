"""Options as they are typed."""

import pytest

from proxy.runtime import settings as parse
from proxy.runtime.settings import Settings
from proxy.snapshot.guard import Guard


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9900", ("127.0.0.1", 9900)),
        ("[::1]:9900", ("::1", 9900)),
        ("localhost:0", ("localhost", 0)),
        (":9900", ("", 9900)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert parse.parse_address(text) == address


@pytest.mark.parametrize("text", ["9900", "host:", "host:x", "host:65536", "::1:80", "host:-1", "host:１"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        parse.parse_address(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("5", 5), ("0s", 0), ("1.5s", 1.5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "10 parsecs", "-1s", "1d", "nan", "inf", "1sm"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        parse.parse_duration(text)


def test_port_maps_from_options_and_from_the_environment() -> None:
    assert parse.parse_port_map(["80=8080", "443=8443"]) == {80: 8080, 443: 8443}
    assert parse.parse_port_map(["80=8080, 443=8443"]) == {80: 8080, 443: 8443}
    assert parse.parse_port_map([]) == {}


@pytest.mark.parametrize("item", ["80", "80=", "=80", "80=x", "0=80", "80=65536", "80=81 80=82"])
def test_what_is_no_port_map(item: str) -> None:
    with pytest.raises(ValueError, match=r"DECLARED=BOUND|mapped twice"):
        parse.parse_port_map([item])


def test_backends() -> None:
    assert parse.parse_backends(["shop/cart:80=127.0.0.1:8081", "a/b:1=[::1]:2"]) == {
        "shop/cart:80": ("127.0.0.1", 8081),
        "a/b:1": ("::1", 2),
    }


@pytest.mark.parametrize("item", ["cart:80=127.0.0.1:1", "shop/cart=127.0.0.1:1", "shop/cart:80", "shop/cart:80=host"])
def test_what_is_no_backend(item: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        parse.parse_backends([item])


def test_networks() -> None:
    assert parse.parse_networks(["10.0.0.0/8,::1"]) == ("10.0.0.0/8", "::1/128")
    with pytest.raises(ValueError, match="is not a network"):
        parse.parse_networks(["10.0.0.1/8"])


def test_ip_addresses() -> None:
    assert [parse.parse_ip(text) for text in ("", "127.0.0.1", "[::1]", "::1")] == ["", "127.0.0.1", "::1", "::1"]
    with pytest.raises(ValueError, match="is not an IP address"):
        parse.parse_ip("localhost")


def test_name_servers() -> None:
    given = ["10.0.0.53,127.0.0.1:5353", "::1", "[::1]:5353"]
    assert parse.parse_servers(given) == (("10.0.0.53", 53), ("127.0.0.1", 5353), ("::1", 53), ("::1", 5353))
    for wrong in ("dns.example.com", "dns.example.com:53", ":53", "10.0.0.53:0", "10.0.0.53:port"):
        with pytest.raises(ValueError, match="is not"):
            parse.parse_servers([wrong])


def test_where_names_may_lead_is_for_translation_and_for_those_who_look_them_up() -> None:
    settings = Settings(
        ("f.yaml",), allow_external_name=True, allow_external_ranges=("127.0.0.0/8",), deny_external_ranges=("::/0",)
    )
    guard = Guard(("127.0.0.0/8",), ("::/0",))
    assert (settings.guard(), settings.translation().guard, settings.translation().external_name) == (
        guard,
        guard,
        True,
    )


def test_settings_reach_those_they_are_for() -> None:
    settings = Settings(
        ("f.yaml",), address="::1", port_map={80: 81}, backends={"a/b:1": ("h", 2)}, trusted_proxies=("10.0.0.0/8",)
    )
    translation = settings.translation()
    assert (translation.address, translation.port_map) == ("::1", {80: 81})
    assert (translation.backend_overrides, translation.file_mode) == ({"a/b:1": ("h", 2)}, True)
    assert settings.data_plane().trusted_proxies == ("10.0.0.0/8",)
    assert settings.data_plane().via_id != settings.data_plane().via_id


@pytest.mark.parametrize("text", ["web", "/web", "shop/", "a/b/c", ""])
def test_a_gateway_is_a_namespace_and_a_name(text: str) -> None:
    assert parse.parse_gateway("shop/web") == "shop/web"
    with pytest.raises(ValueError, match="is not NAMESPACE/NAME, such as shop/web"):
        parse.parse_gateway(text)
