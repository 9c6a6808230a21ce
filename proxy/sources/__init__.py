"""Where declarations come from.

base         what every source can do: file, given (read already), overlay (one over another) and kubernetes are some
read         which files there are; watch: when something moves near them; documents: a file's text in parts
parse        a document to objects, by yamltext and scalars or jsontext; malformed: what is wrong with text that is none
assemble     all of them to one set, with the last good version of what is bad
locate       where the fields of objects stand, by the places of a document
"""
