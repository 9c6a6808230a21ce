"""The failure tree of the data plane: every way an exchange can fail.

Each leaf knows the reply the client gets while the response head has not gone out, the short
flag for the access log, and whether another attempt could have a different outcome. Bad
*configuration* is never an exception: it is a `resources.problem.Problem` or a condition.
"""

from typing import ClassVar


class ProxyError(Exception):
    """A failure of one exchange. `reason` is one machine-readable word_with_underscores."""

    status: ClassVar[int] = 500
    """The status of the reply, while one can still be sent."""
    flag: ClassVar[str] = "IE"
    """The access log's `flags` entry."""
    retryable: ClassVar[bool] = False
    """True when nothing of the request can have been processed, so another endpoint may be asked."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


# --- the client's doing -----------------------------------------------------------------------


class DownstreamError(ProxyError):
    """The client broke a rule; nothing of the request is forwarded and its connection closes."""

    status, flag = 400, "DPE"


class MalformedRequest(DownstreamError):
    """Not HTTP as RFC 9112 and RFC 9110 have it."""


class RequestLineTooLong(DownstreamError):
    """The request line is over its limit (RFC 9110 section 15.5.15)."""

    status = 414


class RequestHeadersTooLarge(DownstreamError):
    """One field, all fields, or their number is over its limit (RFC 6585 section 5)."""

    status = 431


class NotImplementedByUs(DownstreamError):
    """An unknown method or transfer coding, or CONNECT where no rule takes it (RFC 9110 section 15.6.2)."""

    status = 501


class VersionNotSupported(DownstreamError):
    """Neither HTTP/1.0 nor 1.1 nor 2 (RFC 9110 section 15.6.6)."""

    status = 505


class RequestTimeout(DownstreamError):
    """The client did not finish its header or body in time (RFC 9110 section 15.5.9)."""

    status, flag = 408, "DT"


class ContentTooLarge(DownstreamError):
    """The body is longer than a filter that needs the whole of it may have it (RFC 9110 section 15.5.14)."""

    status, flag = 413, "TL"


class ClientGone(DownstreamError):
    """The client closed or reset its connection before it had its answer. 499 is for the log only."""

    status, flag = 499, "DC"


class LoopDetected(DownstreamError):
    """The request has been through this gateway before (RFC 9110 section 7.6.3)."""

    status, flag = 508, "LOOP"


# --- our own doing ----------------------------------------------------------------------------


class Drained(ProxyError):
    """The gateway stops, and the time that requests under way had to end is over."""

    status, flag = 503, "DR"


# --- the configuration's doing ----------------------------------------------------------------


class RoutingError(ProxyError):
    """The request is fine; the configuration has no answer for it."""

    status, flag = 404, "NR"


class NoRoute(RoutingError):
    """No listener, hostname or rule matches."""


class Misdirected(RoutingError):
    """The host belongs to another listener than the TLS server name (RFC 9110 section 15.5.20)."""

    status, flag = 421, "MD"


class NoValidBackend(RoutingError):
    """The chosen share of the rule has no usable backend (HTTPRoute backendRefs: 500)."""

    status, flag = 500, "NB"


class FilterFailed(RoutingError):
    """A filter could not do its work; it is never skipped."""

    status, flag = 500, "FE"


class FilterTimeout(FilterFailed):
    """A filter waited too long, and not for the client."""

    status = 504


# --- the authorization server's doing (HTTPExternalAuthFilter) ---------------------------------


class AuthDenied(ProxyError):
    """It refused the request: what it answered is the client's answer, or this where that would not look refused."""

    status, flag = 403, "AD"


class AuthFailed(ProxyError):
    """It cannot be asked as things are declared. Nobody who is asked about is let in."""

    flag = "AF"


class AuthNotUnderstood(AuthFailed):
    """Its answer was not HTTP, too long, or it is not who it has to be."""

    status = 502


class AuthUnavailable(AuthFailed):
    """It could not be reached, or failed by its own word (5xx), which then is the client's answer."""

    status = 503


class AuthTimeout(AuthFailed):
    """It did not answer in time."""

    status = 504


# --- the backend's doing ----------------------------------------------------------------------


class UpstreamError(ProxyError):
    """The backend could not be reached or did not answer as HTTP asks."""

    status, flag = 503, "UF"


class NoReadyEndpoint(UpstreamError):
    """The backend has no endpoint that takes requests."""

    flag = "NE"


class NameNotResolved(UpstreamError):
    """The backend is known by a DNS name, and that leads to no address that may be used."""

    flag = "DNS"


class Overloaded(UpstreamError):
    """A limit of ours on connections or waiting requests is reached."""

    flag = "UO"


class RetryBudgetSpent(UpstreamError):
    """A retry was due, and the backend has had its share of retries (XBackendTrafficPolicy retryConstraint: 503)."""

    flag = "RB"


class ConnectFailed(UpstreamError):
    """The endpoint refused or was unreachable; nothing was sent."""

    retryable = True


class UpstreamTLSFailed(UpstreamError):
    """No TLS connection to the endpoint, or it is not who it has to be; nothing was sent."""

    status, flag, retryable = 502, "UTLS", True


class ConnectTimeout(UpstreamError):
    """The endpoint did not accept the connection in time; nothing was sent."""

    status, flag, retryable = 504, "UT", True


class UpstreamClosed(UpstreamError):
    """The endpoint closed or reset the connection before a whole response head."""

    flag = "UC"


class UpstreamRefused(UpstreamClosed):
    """The endpoint said that it has not looked at the request, so it can be sent again (RFC 9113 section 8.7)."""

    retryable = True


class UpstreamTruncated(UpstreamError):
    """The endpoint closed in the middle of a body; once the head is out all that is left is to abort."""

    status, flag = 502, "UC"


class MalformedResponse(UpstreamError):
    """The endpoint's answer was not HTTP."""

    status, flag = 502, "UPE"


class UpstreamTimeout(UpstreamError):
    """No response head, or no byte of a body, within the time allowed."""

    status, flag = 504, "UT"
