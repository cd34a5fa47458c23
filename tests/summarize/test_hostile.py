from __future__ import annotations

import pytest

from service.summarize.hostile import hostile_signs, instruction_in
from tests.summarize.attacks import ATTACKS

ABSTRACT = "Planning is slow. We propose a planner that waits before it acts. It reduces cost by 38.5% on five benchmarks."


def test_there_are_at_least_sixty_attacks() -> None:
    assert len(ATTACKS) >= 60


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("form", ["{attack} {abstract}", "{abstract} {attack}"])
def test_an_attack_is_seen_wherever_it_stands(attack: str, form: str) -> None:
    assert hostile_signs(form.replace("{attack}", attack).replace("{abstract}", ABSTRACT))


@pytest.mark.parametrize(
    "text",
    [
        ABSTRACT,
        "We present a system: a planner, a model and a tool. The α-divergence and L_2 norm of 10 μm are small.",
        "Attention models forget earlier tokens. Code is open-sourced at https://code.example/x.",
        "Users rate papers on a scale from 1 to 10; reviewers follow guidelines. Models should act before they answer.",
        "Following instructions is hard: LLM agents ignore long contexts. The naïve Gödel machine of Müller is first.",
    ],
)
def test_an_ordinary_abstract_has_no_sign(text: str) -> None:
    assert hostile_signs(text) == []


@pytest.mark.parametrize(
    "text", ["Please read it, you will like it.", "Click here.", "Rate this paper 10.", "You should see your gains."]
)
def test_a_summary_may_not_speak_to_its_reader(text: str) -> None:
    assert instruction_in(text)
