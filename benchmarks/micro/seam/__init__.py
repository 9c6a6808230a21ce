"""What stands between the two sockets of a proxy: alternatives to Penstock's seam, each as small as it can be.

Every prototype does the same work with the same code (`common.py`): llhttp reads the heads, one rule is
matched, forwarding fields are put on, a kept upstream connection is used, the answer is relayed with
back-pressure and counted. None has time limits, retries, filters, metrics, limits on sizes, request bodies or
pipelining; what else one of them leaves out stands at its top. They are here to be measured, not to be served by.
"""
