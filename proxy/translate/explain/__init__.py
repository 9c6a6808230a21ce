"""Explanations: what the snapshot says of a request, and for each part of it where that was declared.

Nothing is kept for this beside what translation keeps anyway: each explanation reads the graph again.
"""
