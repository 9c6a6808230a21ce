"""The controller: tells a cluster what became of what was declared in it. Statuses, events, one leader."""
