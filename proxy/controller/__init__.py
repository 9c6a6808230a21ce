"""The controller: tells a cluster what became of what was declared in it. Statuses, events, one leader.

controller   everything together, as a Companion; cluster and timing are what it needs of others
desired      which statuses are meant, and how that differs from before
writer       brings what objects hold to that: merge and conditions say what, queue, tokens and retry when
events       tells of what was written, where transitions finds something to tell
lease        which replica may write, as election decides it
provision    makes what Gateways need; generated compares it with what is there
version      whether the release of the CRDs is one that we know
"""
