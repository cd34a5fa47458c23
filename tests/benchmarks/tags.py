"""Tags against the source's own keywords, and how often each term of the vocabulary stands in the corpus.

    .venv/bin/python -m tests.benchmarks.tags

A keyword is mapped where it is a term of the vocabulary as it stands. Recall and precision are those of the tags given from
title and abstract alone, so that the keywords don't answer for themselves. Bars: 80 % of papers get 2 to 6 tags; every term
stands in at least 5 papers.
"""

from __future__ import annotations

import random
from collections import Counter

from service.models import ParsedPaper
from service.tag import tag_paper, vocabulary
from service.words import runs, tokens
from tests.benchmarks.abstracts import corpus, say
from tests.benchmarks.machine import machine

PAPERS = 500
SEED = 7
FEWEST = 5


def main() -> None:
    papers = corpus()
    book = vocabulary()
    chosen = random.Random(SEED).sample([paper for paper in papers if paper["ai_keywords"]], PAPERS)
    say(machine())
    for name, uses_keywords in (("title, abstract and keywords", True), ("title and abstract", False)):
        counts = [len(given) for given in tags(chosen, uses_keywords)]
        say(f"{PAPERS} papers, {name}: {sum(2 <= count <= 6 for count in counts) / PAPERS:.1%} get 2 to 6 tags (bar: 80 %)")
    hits = mapped = given_count = 0
    for paper, given in zip(chosen, tags(chosen, uses_keywords=False), strict=True):
        wanted = {book.terms[words] for keyword in paper["ai_keywords"] if (words := tokens(keyword)) in book.terms}
        hits += len(wanted & set(given))
        mapped += len(wanted)
        given_count += len(given) if wanted else 0
    keywords = [keyword for paper in chosen for keyword in paper["ai_keywords"]]
    share = sum(tokens(keyword) in book.terms for keyword in keywords) / len(keywords)
    say(f"keywords mapped {share:.1%}; of mapped ones recall {hits / mapped:.1%}, precision {hits / given_count:.1%}")
    seen = Counter(term for paper in papers for term in terms_of(paper))
    rare = {" ".join(term): seen[term] for term in book.terms if seen[term] < FEWEST}
    say(f"{len(set(book.terms.values()))} tags, {len(book.terms)} terms; {len(rare)} in fewer than {FEWEST} papers: {rare}")


def tags(papers: list[dict[str, object]], uses_keywords: bool) -> list[list[str]]:
    found = []
    for paper in papers:
        keywords = tuple(paper["ai_keywords"]) if uses_keywords else None  # type: ignore[arg-type]
        found.append(tag_paper(ParsedPaper(None, str(paper["title"]), str(paper["abstract"]), source_keywords=keywords)))
    return found


def terms_of(paper: dict[str, object]) -> set[tuple[str, ...]]:
    book = vocabulary()
    texts = [str(paper["title"]), str(paper["abstract"]), *(paper["ai_keywords"] or ())]  # type: ignore[misc]
    return {run for text in texts for run in runs(tokens(text), book.longest)} & book.terms.keys()


if __name__ == "__main__":
    main()
