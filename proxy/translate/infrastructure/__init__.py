"""Step 2'': graph to the objects that are made in a cluster for Gateways, as plain data."""
