"""One request from client to endpoint and back.

exchange   the life of one request, with filtering, attempt and ending; record: what is known of it
finish     counts it, by counters, and logs it; reply: answers of the gateway's own
plane      what all exchanges of a worker share; origin: the connection and port they come from
live       the snapshot come alive; tries: the timeouts and retries of its rules
suspend    what waits for a filter; outside and asking: what a filter may ask of other servers
mirror     a copy on its way to a second backend; discard: answers that nobody waits for
"""
