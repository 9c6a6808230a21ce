"""Step 2: graph to snapshot."""
