"""What can go wrong between us and an API server."""


class AccessError(Exception):
    """What is configured leads to no API server. The message says what to change, and holds no secret."""


class Unreachable(Exception):
    """The network, TLS or whatever gives us credentials failed; another attempt may help."""


class ApiError(Exception):
    """The API server's own refusal, from its Status object."""

    def __init__(self, status: int, reason: str, message: str, retry_after: float | None = None) -> None:
        """`status` is the HTTP code, `reason` a word such as NotFound; `retry_after` in seconds."""
        super().__init__(f"{status} {reason}: {message}" if reason else f"{status}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
