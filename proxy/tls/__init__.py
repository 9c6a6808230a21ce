"""TLS over memory, for connections of clients and to endpoints alike.

engine        one side of one TLS connection: octets in, octets out
transport     what those it carries are given: a transport like that of clear text
half_closed   an engine that has said its end and is still read
names         the names of a certificate against those that are wanted
loading       chain and key into a context
"""
