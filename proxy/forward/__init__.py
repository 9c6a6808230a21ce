"""One request from client to endpoint and back."""
