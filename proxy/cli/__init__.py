"""The command line: one file per command, and what they share.

main        the table of commands
source      SOURCE arguments; options and outside: options of several commands; loading: what would be served
explained   an explanation for people, on a page; verdicts: what came of cases
excerpt     lines of a file with a caret below; annotation: the same for GitHub
"""
