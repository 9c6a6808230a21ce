"""What can be read of TLS without keys: the first message of a connection, its ClientHello (client_hello)."""
