"""What operators ask: health, metrics, and what the gateway is doing and why. Read-only."""
