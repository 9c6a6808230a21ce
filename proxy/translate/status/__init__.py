"""Step 2': graph to status, in the words of the Gateway API."""
