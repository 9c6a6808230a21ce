"""The compiled configuration handed to the data plane: immutable plain data.

Control writes it, workers read it. Being plain it can be encoded, compared, dumped and sent in
differences. Everything that holds an OS resource or a counter is made from it by the data plane. What
is read out of it for people stands here too, for command line and admin.

snapshot     the whole, with route (rules), session, certificate, upstream_tls and names; delta: what changed of it
guard        which addresses a name outside may lead to
describe     rules as the user wrote them; listing: all of them in order
explain      one request (question) told: doors and explain_tls how it comes in, effects what filters make of it,
             shares and answers what the client gets
"""
