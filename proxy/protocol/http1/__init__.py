"""HTTP/1.1 and 1.0 (RFC 9112): codecs that are fed bytes and write through what they are given."""
