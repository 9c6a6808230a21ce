"""DNS names of upstreams: looked up in the control process, kept up to date beside all requests.

table     what each name leads to, and when it is asked for again
entry     one name
lookup    one question to DNS, with the time its answer is good for
hosts     what is known without DNS

Nothing of it is imported until an upstream has a name.
"""
