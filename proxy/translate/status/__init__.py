"""Step 2': graph to status, in the words of the Gateway API.

build      the status of every object: gateway, listenerset, route, policy and xbackend are by kind
overlaps   listeners whose TLS overlaps; conditions: how all is written
failures   what binding came to, laid over the rest
"""
