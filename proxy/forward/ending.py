"""How an exchange ends: with the gateway's own reply, with a cut, or because all is said. Phase 8, and the way to it.

Whatever happened, `_finish` is reached exactly once.
"""

from abc import abstractmethod

from proxy.errors import NoValidBackend, ProxyError
from proxy.forward.finish import finish
from proxy.forward.mirror import Mirror
from proxy.forward.record import Record
from proxy.forward.reply import error_reply, send_reply
from proxy.forward.tries import Tries
from proxy.protocol.grpc import UNAVAILABLE, as_status, is_call
from proxy.protocol.message import Reply
from proxy.protocol.stream import DownstreamStream


class Ending(Record):
    """A record, and the client's stream on which the exchange ends."""

    __slots__ = ("_mirrors", "_stream", "_tries")

    _mirrors: tuple[Mirror, ...]
    """Copies of the request on their way."""

    _stream: DownstreamStream
    _tries: Tries | None
    """None when the rule sets neither timeouts nor retries and persists no sessions."""

    def _fail(self, error: ProxyError) -> None:
        """Once the head is out the only honest end is one that the client cannot take for whole."""
        if self.ended:
            return
        if not self.head_sent:
            self._refuse(error)
        else:
            self._finish(error)
            self._stream.reset(error)

    def _refuse(self, error: ProxyError) -> None:
        """Nothing was sent to the client yet: tell it."""
        self.error = error.with_traceback(None)  # where it was raised here, it would lead back to this exchange
        self._answer(error_reply(error))

    def _answer(self, reply: Reply) -> None:
        """The gateway's own reply ends the exchange."""
        if reply.error is not None:
            self.error = reply.error
        if self.rule is not None:
            self._filter_reply(reply)
        if reply.status >= 400 and is_call(self.request):
            # Of a share without a backend it is the backend that is missing, not we that are broken (GRPCBackendRef).
            reply = as_status(reply, UNAVAILABLE if isinstance(self.error, NoValidBackend) else None)
        self.status = reply.status
        self.head_sent = True
        self.bytes_out = 0 if self.request.method == b"HEAD" else len(reply.body)
        self._finish(self.error)
        extra = [(b"x-request-id", self.request_id)] if self.request_id else []
        send_reply(self._stream, reply, self.request.method, extra)

    @abstractmethod
    def _filter_reply(self, reply: Reply) -> None:
        """Filters of the rule, and of the backend when one was chosen, that have a word on own replies."""

    def _finish(self, error: ProxyError | None) -> None:
        """Always, once."""
        if not self.ended:
            self.error = error
            self.ended = self.plane.clock()
            if self._tries is not None:
                self._tries.end()
            for mirror in self._mirrors:
                mirror.leave()
            finish(self)
