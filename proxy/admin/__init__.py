"""What operators ask: health, metrics, and what the gateway is doing and why. Read-only.

server      the admin address and the metrics address; origin: which Host names they answer to
view        what they may see of the control process
dashboard   the page for people; dump and explain: the same and more, as JSON
readiness   whether requests should be sent here
"""
