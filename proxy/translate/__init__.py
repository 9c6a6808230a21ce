"""Resources to snapshot and status. Pure and total: whatever was declared, both come out.

    resources --graph--> what is valid, what attaches to what, what refers to what
                           |--compile--> snapshot: what the data plane does
                           |--status---> conditions: what the user is told

Compile and status are two readings of one graph and never see each other.
"""
