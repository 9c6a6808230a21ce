"""One request from client to endpoint and back.

exchange   the life of one request, with attempt and ending; record: what is known of it; finish counts and logs it
plane      what all exchanges of a worker share; origin: the connection and port they come from
live       the snapshot come alive; tries: the timeouts and retries of its rules
mirror     a copy on its way to a second backend; discard: answers that nobody waits for
"""
