"""The pure parts of the kit, and those that need no more than a socket: no root, no cluster, no Go."""
