"""Floods of HTTP/2 against real processes."""
