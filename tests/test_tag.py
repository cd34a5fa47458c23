from service.tag import MOST, tag_paper, vocabulary
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


def test_a_term_within_a_longer_one_gives_no_tag_of_its_own() -> None:
    assert tag_paper(paper(title="Diffusion Language Models", abstract=None)) == ["diffusion language models"]


def test_broad_tags_come_last_however_often_they_are_named() -> None:
    text = "Language models, language models and language models; one world model."
    assert tag_paper(paper(title="A benchmark", abstract=text)) == ["world models", "benchmarks", "language models"]


def test_the_sources_own_keywords_count() -> None:
    assert tag_paper(paper(title="Soup", abstract="Of the day.", source_keywords=["RLVR"])) == ["verifiable rewards"]


def test_every_broad_tag_is_a_tag() -> None:
    assert vocabulary().broad <= set(vocabulary().terms.values())


def test_alignment_is_that_of_models_with_people_and_not_of_pictures_with_words() -> None:
    assert tag_paper(paper(title="Safety alignment fades", abstract=None)) == ["LLM alignment"]
    assert tag_paper(paper(title="Semantic alignment of pictures with words, and temporal alignment", abstract=None)) == []
