"""DirectResponse: rules across fields."""

from collections.abc import Iterator
from typing import Final

from proxy.resources.direct_response import UNSOUND, DirectResponse
from proxy.resources.problem import Finding

BODYLESS: Final = frozenset({204, 205, 304})
"""RFC 9110 sections 15.3.5, 15.3.6 and 15.4.5."""
NOT_SET: Final = frozenset({
    "connection", "content-length", "content-type", "keep-alive", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
"""How long the answer is and what becomes of its connection is the gateway's to say; its type has its own field."""


def validate_direct_response(item: DirectResponse) -> Iterator[Finding]:
    """Also asked by translation: an API server may be older or laxer than this."""
    spec = item.spec
    if spec.status == UNSOUND:
        yield Finding(("spec",), "it cannot be read")
    elif not 200 <= spec.status <= 599:
        yield Finding(("spec", "status"), f"{spec.status} is not the status of an answer", "use 200 to 599")
    if spec.body and spec.status in BODYLESS:
        yield Finding(("spec", "body"), f"an answer with status {spec.status} has no body", "remove it", at_key=True)
    if spec.content_type is not None and not spec.body:
        yield Finding(("spec", "contentType"), "there is no body that it could be of", "remove it", at_key=True)
    for index, header in enumerate(spec.headers):
        name = header.name.lower()
        if name in NOT_SET:
            hint = "use contentType" if name == "content-type" else "remove it"
            yield Finding(("spec", "headers", index, "name"), f"{name} cannot be set here", hint)
