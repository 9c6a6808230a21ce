"""Connections from clients: accepted, timed, and handed byte by byte to the codec of their protocol."""
