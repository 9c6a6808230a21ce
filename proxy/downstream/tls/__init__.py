"""TLS between a client's TCP connection and the codec: over memory, chosen by the ClientHello."""
