"""What can be said of whole configurations without a request at hand: what changes between two, what never answers.

box          the requests that a match takes, and what two of them have in common
order        the entries of a hostname in the order in which they are asked, and found by what they take
effect       what a rule does, whatever it is called; location: where its redirect leads
witness      a request that is in one box and in none of others, or the proof that there is none; asking: it, as sent
pattern      a regular expression as a language; language, words: its derivatives and its shortest word
hosts        the hosts that a port tells apart, one of each; ports: which ports of two configurations belong together
compare      two configurations: sockets what opens and closes, seek what answers otherwise, past what stayed (aligned)
changes      what is reported of that; tell: as data
dead         entries that no request reaches; loops: redirects that lead back; warnings: both and more, as problems
"""
