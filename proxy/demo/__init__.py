"""What `penstock demo` runs beside the gateway: a backend to talk to, and the configuration for it."""
