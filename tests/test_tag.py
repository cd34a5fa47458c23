from service.tag import MOST, tag_paper
from tests.builders import paper


def test_ways_of_writing_a_term_are_one_tag() -> None:
    for written in ("LLM agents", "LLM-based agents", "language agents", "an AI agent"):
        assert "agents" in tag_paper(paper(title=written, abstract=None))


def test_the_title_comes_first_and_there_are_at_most_six() -> None:
    text = "diffusion models, quantization, pruning, LoRA, planning, world models, graphs, proteins and benchmarks"
    tags = tag_paper(paper(title="On Quantization", abstract=text))
    assert tags[0] == "quantization"
    assert len(tags) == MOST


def test_a_paper_about_nothing_known_has_no_tags() -> None:
    assert tag_paper(paper(title="Soup", abstract="Of the day.")) == []
