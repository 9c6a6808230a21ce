"""Filters: what a rule or a backendRef does to messages. FILTERS says which module builds which.

base says what a filter is, path how several of them change one; `fail` stands for those that cannot be resolved.

To add one: its plain description in `snapshot.route`, a module here whose `build` makes a FilterChain of
it, and a row in FILTERS.
"""

from collections.abc import Callable, Mapping
from typing import Any

from proxy.filters import cors, direct_response, external_auth, fail, header_modifier, mirror, redirect, url_rewrite
from proxy.filters.base import NO_FILTERS, FilterChain
from proxy.snapshot.route import (
    Cors,
    DirectResponse,
    ExternalAuth,
    Fail,
    Filter,
    HeaderModifier,
    Mirror,
    Redirect,
    Rewrite,
)

FILTERS: Mapping[type[Filter], Callable[[Any], FilterChain]] = {
    HeaderModifier: header_modifier.build,
    Redirect: redirect.build,
    Rewrite: url_rewrite.build,
    Mirror: mirror.build,
    Cors: cors.build,
    ExternalAuth: external_auth.build,
    DirectResponse: direct_response.build,
    Fail: fail.build,
}


def build_chain(specs: tuple[Filter, ...]) -> FilterChain:
    """One chain of all filters of a rule or backendRef, in the order listed."""
    if not specs:
        return NO_FILTERS
    chains = [FILTERS[type(spec)](spec) for spec in specs]
    return FilterChain(
        on_request=tuple(step for chain in chains for step in chain.on_request),
        on_response=tuple(step for chain in chains for step in chain.on_response),
        on_reply=tuple(step for chain in chains for step in chain.on_reply),
    )
