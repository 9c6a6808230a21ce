"""What the user declares: Gateway API and Kubernetes kinds as frozen models.

A field is named as in the API, in snake_case; its default is the default of the CRD, so a model
reads the same whether an API server filled it in or a file left it out.

kinds                 the table of kinds; each has a module of its name, or stands in core, gateway, policy or own
meta, fields          what kinds share; duration, labels and ranges: how some values are written
decode                plain values to models, with the words of mismatch; stored: as an API server has them
validate, validate_*  the rules of a CRD beside its types
problem               one thing that is wrong; stand_in: what takes the place of an object that cannot be read
store                 every object of one moment
crd, crd_extras       models to CustomResourceDefinitions
"""
