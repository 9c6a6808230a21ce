"""Resources to snapshot and status. Pure and total: whatever was declared, both come out.

    resources --graph--> what is valid, what attaches to what, what refers to what
                           |--compile---------> snapshot: what the data plane does
                           |--status----------> conditions: what the user is told
                           |--infrastructure--> objects: what is to be made in a cluster for Gateways

These are readings of one graph; compile and status never see each other.
"""
