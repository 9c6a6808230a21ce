"""The command line: one file per command, and what they share.

main        the table of commands
source      SOURCE arguments; options and outside: options of several commands; loading: what would be served
explained   an explanation for people, on a page; excerpt: lines of a file with a caret; verdicts: what came of cases
"""
