"""Rolling restarts, and a client that goes by the letter of RFC 9113."""
