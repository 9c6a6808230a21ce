"""Step 2'': graph to the objects that are made in a cluster for Gateways, as plain data.

build      all of them; objects: what they have in common
services   in front of data planes; dataplane: one of a Gateway's own
"""
