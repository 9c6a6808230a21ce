"""What can be said of whole configurations without a request at hand: what changes between two, what never answers.

box          the requests that a match takes, and what two of them have in common
order        the entries of a hostname in the order in which they are asked, and found by what they take
effect       what a rule does, whatever it is called
witness      a request that is in one box and in none of others, or the proof that there is none
pattern      a regular expression as a language; language, words: its derivatives and its shortest word
hosts        the hosts that a port tells apart, one of each
compare      two configurations; answers, changes: what is compared and what is reported
dead         entries that no request reaches; warnings: those and their like as problems
"""
