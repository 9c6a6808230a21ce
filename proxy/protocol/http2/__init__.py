"""HTTP/2 (RFC 9113): frames are the engine's, messages and streams are ours."""
