"""Below HTTP: connections and flows that are passed on as they are (TCPRoute, TLSRoute, UDPRoute)."""
