"""Resources to snapshot and status. Pure and total: whatever was declared, both come out.

    resources --graph--> what is valid, what attaches to what, what refers to what
                           |--compile---------> snapshot: what the data plane does
                           |--status----------> conditions: what the user is told
                           |--infrastructure--> objects: what is to be made in a cluster for Gateways
                           |--explain---------> where each part of an answer was declared

These are readings of one graph; compile and status never see each other.

translate    the only way in; settings: what it depends on beside the resources; problems: what `penstock check` prints
features     which features of the Gateway API are served; extensions: which kinds an ExtensionRef can name
"""
