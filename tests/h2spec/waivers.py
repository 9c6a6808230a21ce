"""The tests of h2spec 2.2.1 that are not passed, each with its reason."""

TESTS = 145
"""How many there are: with fewer, something was not run."""

_LATE = (
    "Late frames on a stream that is over are ignored, not answered with STREAM_CLOSED: RFC 9113 section 5.1 asks that "
    "of frames that were sent before the stream's end had arrived, and to remember every stream costs memory."
)
_PRIORITY = "PRIORITY is ignored: RFC 9113 section 5.3.2 has deprecated it, and our SETTINGS say so (RFC 9218)."

EVERYWHERE = {
    "http2/5.1/8": _LATE,
    "http2/5.1/9": _LATE,
    "http2/5.1/11": _LATE,
    "http2/5.1/12": _LATE,
    "http2/5.1.1/2": _LATE,
    "http2/5.3.1/2": _PRIORITY,
    "http2/6.3/1": _PRIORITY,
    "http2/6.9.1/3": "A stream window beyond 2^31-1 ends the connection (FLOW_CONTROL_ERROR), not the stream alone.",
}
"""Number of the section, and of the test within it."""

CLEAR_TEXT = EVERYWHERE | {
    "http2/3.5/2": "A port that also speaks HTTP/1.1 answers what is neither with 400, and closes then.",
}

BY_TRANSPORT = {"clear text": CLEAR_TEXT, "TLS": EVERYWHERE}
