"""What the user declares: Gateway API and Kubernetes kinds as frozen models.

A field is named as in the API, in snake_case; its default is the default of the CRD, so a model
reads the same whether an API server filled it in or a file left it out.
"""
