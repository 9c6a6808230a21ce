"""h2spec, an independent suite for servers of HTTP/2, against `penstock run`: `make h2spec`.

A run is compared with the waivers that are written down here. A miss that is none of them fails, and so does a waiver
that has come to pass, as the table would then promise less than is true.
"""
