"""The engine: frames, header compression, flow control and stream states, by nghttp2 through ngh2.

Whatever has the calls of `Engine` and yields these events can take its place; nothing else of ngh2 is used, and
nowhere but here. What the engine does not do is left to `session` and its two roles: it passes on whatever it is
told to send, and it does not say which streams of one batch of events are over already.
"""

from collections.abc import Iterable, Mapping
from typing import Protocol

from ngh2 import Configuration, Connection, NGH2Error, Role, StreamUnavailableError
from ngh2.events import (
    ConnectionClosed,
    DataReceived,
    Event,
    GoAwayReceived,
    InformationalResponseReceived,
    PingAcknowledged,
    RequestReceived,
    ResponseReceived,
    SettingsReceived,
    StreamClosed,
    StreamReset,
    TrailersReceived,
)

from proxy.protocol.limits import Limits

__all__ = [
    "ConnectionClosed",
    "DataReceived",
    "Engine",
    "EngineError",
    "Event",
    "GoAwayReceived",
    "InformationalResponseReceived",
    "PingAcknowledged",
    "RequestReceived",
    "ResponseReceived",
    "SettingsReceived",
    "StreamClosed",
    "StreamReset",
    "StreamUnavailableError",
    "TrailersReceived",
    "client_engine",
    "server_engine",
]

EngineError = NGH2Error
"""What a peer sent, or what we asked for, ends the connection. After it nothing can be sent."""

ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_HEADER_LIST_SIZE = 2, 3, 4, 6
ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 8, 9
"""Settings (RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1)."""


class Engine(Protocol):
    """One end of a connection. `ngh2.Connection` is one."""

    def receive_data(self, data: bytes) -> None:
        """Raises EngineError when the connection is past saving."""

    def events(self) -> list[Event]:
        """What has happened since they were last asked for. Sending makes events, too."""

    def data_to_send(self) -> bytes: ...

    def send_request(self, headers: Iterable[tuple[bytes, bytes]], *, end_stream: bool = False) -> int: ...

    def send_response(
        self, stream_id: int, headers: Iterable[tuple[bytes, bytes]], *, end_stream: bool = False
    ) -> None: ...

    def send_informational_response(self, stream_id: int, headers: Iterable[tuple[bytes, bytes]]) -> None: ...

    def send_trailers(self, stream_id: int, headers: Iterable[tuple[bytes, bytes]]) -> None: ...

    def send_data(self, stream_id: int, data: bytes, *, end_stream: bool = False) -> None: ...

    def end_stream(self, stream_id: int) -> None: ...

    def reset_stream(self, stream_id: int, error_code: int = 8) -> None: ...

    def ping(self, opaque_data: bytes = ...) -> None: ...

    def send_goaway(self, error_code: int = 0) -> None: ...

    def send_shutdown_notice(self) -> None: ...

    def acknowledge_received_data(self, amount: int, stream_id: int) -> None:
        """Octets of a body have been taken on: the peer may send as many more."""

    def queued_body_size(self, stream_id: int) -> int:
        """Octets of a body that wait for the peer's window or for `data_to_send`."""

    @property
    def can_send_request(self) -> bool: ...


def server_engine(limits: Limits) -> Engine:
    """The end that clients connect to; its settings are on their way."""
    engine = Connection(Role.SERVER, _configuration(limits))
    engine.initiate_connection(
        {
            MAX_CONCURRENT_STREAMS: limits.streams,
            INITIAL_WINDOW_SIZE: limits.stream_window,
            MAX_HEADER_LIST_SIZE: limits.head,
            ENABLE_CONNECT_PROTOCOL: 1,
            NO_RFC7540_PRIORITIES: 1,
        }
    )
    engine.set_local_window_size(limits.connection_window)
    return engine


def client_engine(limits: Limits) -> Engine:
    """The end that speaks to an endpoint; its preface and settings are on their way.

    Its streams are those of many clients. The connection's window has room for all of theirs, so that clients that take
    nothing do not hold up the others: what waits is bounded stream by stream.
    """
    engine = Connection(Role.CLIENT, _configuration(limits))
    settings: Mapping[int, int] = {
        ENABLE_PUSH: 0,
        INITIAL_WINDOW_SIZE: limits.stream_window,
        MAX_HEADER_LIST_SIZE: limits.response_head,
        NO_RFC7540_PRIORITIES: 1,
    }
    engine.initiate_connection(settings)
    engine.set_local_window_size(limits.streams * limits.stream_window)
    return engine


_FAR_ABOVE_OURS = 10_000, 10_000
"""Resets are counted by the server's role, with those that we are made to send."""


def _configuration(limits: Limits) -> Configuration:
    """A header list over its limit is fatal for the whole connection, so the engine's limits lie above ours: what is
    between them is refused on its stream alone."""
    return Configuration(
        auto_window_update=False,
        max_inbound_header_list_size=4 * max(limits.head, limits.response_head),
        max_inbound_header_count=4 * limits.field_count,
        max_continuations=8,
        max_outbound_ack=1000,
        stream_reset_rate_limit=_FAR_ABOVE_OURS,
        glitch_rate_limit=limits.glitches,
        max_send_header_block_length=2 * limits.response_head,
    )
