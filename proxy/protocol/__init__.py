"""Bytes to messages and back. No sockets, no event loop, no clock."""
