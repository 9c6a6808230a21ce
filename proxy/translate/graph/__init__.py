"""Step 1: what is valid, what attaches to what, what refers to what."""
