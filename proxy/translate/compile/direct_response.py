"""DirectResponse to the plain answer of the snapshot."""

from proxy.resources.direct_response import DirectResponse
from proxy.snapshot import route
from proxy.translate.compile.octets import octets

PLAIN_TEXT = b"text/plain; charset=utf-8"


def compile_direct_response(item: DirectResponse) -> route.DirectResponse:
    spec = item.spec
    headers = [(octets(header.name.lower()), octets(header.value)) for header in spec.headers]
    if spec.body:
        headers.append((b"content-type", octets(spec.content_type) if spec.content_type else PLAIN_TEXT))
    return route.DirectResponse(str(item.key), spec.status, tuple(headers), octets(spec.body or ""))
