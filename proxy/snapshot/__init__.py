"""The compiled configuration handed to the data plane: immutable plain data.

Control writes it, workers read it. Being plain it can be encoded, compared, dumped and sent in
differences. Everything that holds an OS resource or a counter is made from it by the data plane. What
is read out of it for people (explain, listing, describe) stands here too, for command line and admin.
"""
