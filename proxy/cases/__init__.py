"""Cases: a request, and what is expected to become of it. Written in YAML, answered by the tables that serve.

model     what a document of cases holds; read: such documents, and what is wrong with them
run       each case asked of the configuration that it is about
answer    what becomes of its request, by all the ways that there are
compare   that, against what was expected
"""
