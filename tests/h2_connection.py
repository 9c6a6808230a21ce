"""h2 as the other side, which goes on after a GOAWAY as RFC 9113 section 6.8 has it."""

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, Event
from hyperframe.frame import Frame, GoAwayFrame


class Connection(H2Connection):
    """h2 by itself takes no part in a connection after a GOAWAY. Here streams that are open go on; to begin no others
    is for who drives it."""

    def _receive_goaway_frame(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        event = ConnectionTerminated()
        event.error_code = ErrorCodes(frame.error_code)
        event.last_stream_id = frame.last_stream_id
        return [], [event]
