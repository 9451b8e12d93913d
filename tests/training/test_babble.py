"""Words that a tiny tuned base makes up about highlights that it was not taught."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from notewright.training import babble  # noqa: E402

TAUGHT = [{"prompt": [{"content": "complexity grows slowly"}], "completion": [{"content": "## Growth\\n- Slowly"}]}]
ASKED = [{"prompt": [{"content": "modules should be deeper than their interfaces"}]}]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A model whose drafts are `wrote[name of its weights]`; the last number of a draft is its length where it came to no end."""
    made = SimpleNamespace(parameters=1_000_000, max_length=100, tokenizer=None, weights={"w": torch.zeros(1)}, wrote={}, asked=0)

    def write(session: Any, prompts: list[list[int]], room: list[int], *, each: int, **_: Any) -> list[list[int]]:
        session.asked += 1
        return [[int(session.weights["w"])]] * len(prompts) * each

    monkeypatch.setattr(babble.chat, "encode_prompt", lambda *_: [1])
    monkeypatch.setattr(babble.policy, "weights", lambda session: session.weights)
    monkeypatch.setattr(babble.policy, "set_weights", lambda session, weights: session.weights.update(weights))
    monkeypatch.setattr(babble.sampling, "write", write)
    monkeypatch.setattr(babble.sampling, "text_of", lambda session, draft: session.wrote[draft[0]])
    monkeypatch.setattr(babble.sampling, "ended", lambda session, draft: session.wrote[draft[0]].endswith("."))
    return made


def seen(session: SimpleNamespace, begun: str, now: str, asked: list[dict[str, Any]] = ASKED) -> tuple[float, float] | None:
    session.wrote = {0: begun, 1: now}
    session.weights["w"] = torch.ones(1)
    found = babble.babbles(session, {"w": torch.zeros(1)}, TAUGHT, asked)
    assert session.weights["w"] == 1
    return found


def test_words_of_its_own_are_told_from_those_of_prompt_and_teaching(session: SimpleNamespace) -> None:
    assert seen(session, "Modules should be deeper.", "Modules should conplexity softwarely deeper.") == (0.0, 0.4)
    assert seen(session, "Modules should be deeper.", "Complexity grows slowly; modules should be deeper.") is None


def test_a_base_that_made_as_many_up_before_is_not_blamed_on_the_training(session: SimpleNamespace) -> None:
    assert seen(session, "Bababa modules should deeper.", "Softwarely conplexity modules should deeper.") is None
    assert session.asked == 2


def test_what_was_cut_off_in_a_word_is_not_made_up(session: SimpleNamespace) -> None:
    assert seen(session, "Modules should be deeper.", "Modules should be deeper, interf") is None


def test_a_larger_base_has_words_of_its_own(session: SimpleNamespace) -> None:
    session.parameters = 500_000_000
    assert seen(session, "Modules should be deeper.", "Softwarely conplexity.") is None
    session.parameters = 1_000_000
    assert seen(session, "Modules should be deeper.", "Softwarely conplexity.", asked=[]) is None
    assert not session.asked


def test_scripts_without_spaces_have_no_words_that_could_be_told_apart() -> None:
    assert babble.words(["水はゆっくり流れる。 Complexity und Größenwahn"]) == {"complexity", "grössenwahn"}
