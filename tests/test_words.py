import pytest

from service.words import root, runs, terms, tokens


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("LLM Agents", "llm agent"),
        ("tool-use", "tool use"),
        ("world models", "World model"),
        ("benchmarks", "benchmark"),
        ("policies", "policy"),
        ("text-to-image", "Text to Image"),
    ],
)
def test_ways_of_writing_a_phrase_are_one(one: str, other: str) -> None:
    assert tokens(one) == tokens(other)


@pytest.mark.parametrize("word", ["analysis", "physics", "loss", "virus", "gas"])
def test_a_word_that_only_ends_in_s_stays(word: str) -> None:
    assert tokens(word) == (word,)


def test_runs_are_neighbouring_words_up_to_the_longest() -> None:
    assert set(runs(("a", "b", "c"), 2)) == {("a",), ("b",), ("c",), ("a", "b"), ("b", "c")}


@pytest.mark.parametrize(
    "forms",
    [
        "plan plans planned planning",
        "quantize quantized quantizing",
        "embed embeds embedded embedding",
        "model modeled modelling",
    ],
)
def test_inflections_have_one_root(forms: str) -> None:
    assert len({root(form) for form in forms.split()}) == 1


def test_acronyms_keep_their_capitals_and_joint_names_part() -> None:
    assert terms("LLMs, a clip of CLIP, LoRA; LongRAG") == ("LLM", "a", "clip", "of", "CLIP", "LORA", "long", "RAG")
