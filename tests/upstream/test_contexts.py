"""Contexts towards endpoints: shared by what they hold, made anew with it, and none without verification."""

import ssl

import pytest
from msgspec.structs import replace

from proxy.snapshot.delta import EMPTY
from proxy.snapshot.snapshot import Snapshot
from proxy.snapshot.upstream_tls import SubjectName, UpstreamTLS
from proxy.upstream.contexts import ClientContexts, SecuredKey, client_context
from tests.certificates import Authority

ONE, OTHER = Authority("one"), Authority("other")
BUNDLES = {each.bundle.digest: each.bundle for each in (ONE, OTHER)}
SHOWN = ONE.issues("gateway.example").certificate


def settings(authority: Authority = ONE, name: str = "a.example", **more: object) -> UpstreamTLS:
    return UpstreamTLS(name, (authority.bundle.digest,), **more)  # type: ignore[arg-type]


def snapshot(*settings: UpstreamTLS) -> Snapshot:
    return replace(
        EMPTY,
        upstream_tls={each.digest: each for each in settings},
        bundles=BUNDLES,
        certificates={SHOWN.digest: SHOWN},
    )


def contexts(made: ClientContexts, *settings: UpstreamTLS, shows: str = "") -> list[ssl.SSLContext]:
    secured = made.secure([SecuredKey(each.digest, shows) for each in settings], snapshot(*settings))
    return [secured[SecuredKey(each.digest, shows)]._context for each in settings]


def test_many_server_names_share_a_context() -> None:
    made = ClientContexts()
    one, two = contexts(made, settings(name="a.example"), settings(name="b.example"))
    assert one is two
    assert contexts(made, settings(name="c.example")) == [one]


@pytest.mark.parametrize(
    "other",
    [settings(OTHER), settings(names=(SubjectName("DNS", "b.example"),)), settings(certificate=SHOWN.digest)],
)
def test_others_to_trust_to_want_and_to_show_have_their_own(other: UpstreamTLS) -> None:
    one, two = contexts(ClientContexts(), settings(), other)
    assert one is not two


def test_what_is_not_used_is_forgotten() -> None:
    made = ClientContexts()
    [one] = contexts(made, settings())
    contexts(made, settings(OTHER))
    assert contexts(made, settings()) != [one]


def test_own_certificate_and_that_of_the_gateway_are_shown_alike() -> None:
    made = ClientContexts()
    assert contexts(made, settings(certificate=SHOWN.digest)) == contexts(made, settings(), shows=SHOWN.digest)


@pytest.mark.parametrize("missing", ["bundles", "certificates", "upstream_tls"])
def test_what_is_missing_secures_nothing(missing: str) -> None:
    spec = settings(certificate=SHOWN.digest)
    lacking = replace(snapshot(spec), **{missing: {}})
    assert ClientContexts().secure([SecuredKey(spec.digest, "")], lacking) == {}


@pytest.mark.parametrize("checks_host", [True, False])
def test_every_context_verifies(checks_host: bool) -> None:
    context = client_context([ONE.bundle], checks_host=checks_host)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname == checks_host
    assert not context.hostname_checks_common_name
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_without_a_bundle_the_system_is_trusted() -> None:
    trusted = client_context([]).cert_store_stats()
    system = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    system.load_default_certs()
    assert trusted == system.cert_store_stats()


def test_settings_have_an_identity() -> None:
    all_ = [settings(), settings(OTHER), settings(name="b.example"), settings(certificate="x")]
    all_ += [settings(names=(SubjectName("DNS", "b"),)), settings(names=(SubjectName("URI", "b"),))]
    assert len({each.digest for each in all_}) == len(all_)
    assert settings().digest == settings().digest
