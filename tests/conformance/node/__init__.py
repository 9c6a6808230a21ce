"""The node of the cluster: scheduler, kubelet and load balancer in one process, with processes for containers.

It binds every Pod to its node, gives it a network namespace of its own on the bridge, runs the binary that
stands in for each image there, reports what a kubelet reports, serves container logs to the API server, and
gives Services of type LoadBalancer an address that answers.
"""
