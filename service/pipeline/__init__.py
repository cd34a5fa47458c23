"""The day: `gather` brings papers in, `digests` works out each person's, `send` plans and sends.

Below `gather`: `answers` reads one answer of the source, `summaries` writes what is missing, `opinions` asks models what fits
(both through `desk`), `doubts` tells of what is odd. Below `send`, and `due`, which is what `serve` does: `make` makes mails,
`deliver` hands them over, `crew` by several processes, `outcomes` says what became of one; `reconcile` recovers, `retry` gives
a second chance, `heap` keeps the garbage collector off. Beside these: `subscriptions` and `roll` change who gets what, `topics`
what there is to choose, and `status` tells how all of it stands.

What touches the world is given: a database, the doors as callables, the clock. Nothing stops for one bad page, paper or
subscriber; the failure goes on its row, and the report names it.
"""
