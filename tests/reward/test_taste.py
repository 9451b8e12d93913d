"""The head: its mathematics against finite differences, its invariances, and that it learns what it is shown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notewright.reward import taste
from notewright.reward.features import FEATURES, INDEX
from notewright.reward.scale import FAR, Scale, fit_scale
from notewright.reward.taste import BAR, COUNT, PRIOR, WIDTH, Head, edit, nudge, ranking, verdict

SCALE = fit_scale([])


def rows(count: int, seed: int) -> list[list[float]]:
    """Raw rows about one spread around the centre, of a book for an odd seed."""
    generator = np.random.default_rng(seed)
    side = 0.5 if seed % 2 else -0.5
    return [[*(max(SCALE.raw(index, value), 0.0) for index, value in enumerate(generator.normal(size=COUNT))), side] for _ in range(count)]


def some_evidence(head: Head, seed: int, count: int = 6) -> dict[str, taste.Stages]:
    a = rows(5 * count, seed)
    made = {}
    for number in range(count):
        p, q, r, s, t = a[5 * number : 5 * number + 5]
        made[f"ranking {number}"] = ranking(SCALE, [[p], [q, r], [s]], rejected=[t])
        made[f"accept {number}"] = verdict(SCALE, q, accepted=bool(number % 2))
        made[f"edit {number}"] = edit(SCALE, r, s, [p, q])
        made[f"nudge {number}"] = nudge(SCALE, p, {3: -1.0}, towards=[5, 6])
    return made


def filled(seed: int, order: int | None = None, step: int = 0) -> Head:
    head = Head(SCALE)
    made = list(some_evidence(head, seed).items())
    if order is not None:
        np.random.default_rng(order).shuffle(made)
    for number, (key, stages) in enumerate(made):
        head.add(key, stages)
        if step and number % step == 0:
            head.fit()
    return head.fit()


def test_the_gradient_is_that_of_the_objective() -> None:
    head = filled(1)
    place = head.mean + np.random.default_rng(2).normal(size=WIDTH) * 0.3
    _, gradient = head.objective(place)
    for index in range(WIDTH):
        nudged = np.zeros(WIDTH)
        nudged[index] = 1e-5
        numeric = (head.objective(place + nudged)[0] - head.objective(place - nudged)[0]) / 2e-5
        assert gradient[index] == pytest.approx(numeric, abs=1e-5)


def test_wants_may_turn_around_between_books_and_the_rest() -> None:
    head = Head(SCALE)
    for seed in range(60):
        shown = rows(4, seed)
        shown.sort(key=lambda row: row[INDEX["bold"]] * row[-1])
        head.add(str(seed), ranking(SCALE, [[row] for row in reversed(shown)]))
    head.fit()
    for side, sign in ((0.5, 1), (-0.5, -1), (0.0, 0)):
        plain = [*(SCALE.raw(index, 0.0) for index in range(COUNT)), side]
        bolder, barer = list(plain), list(plain)
        bolder[INDEX["bold"]], barer[INDEX["bold"]] = (SCALE.raw(INDEX["bold"], step) for step in (1.0, -1.0))
        gap = float(np.subtract(*head.score([bolder, barer])[0]))
        assert gap * sign > 0.3 if sign else abs(gap) < 0.3


def test_a_row_without_a_side_is_of_an_unknown_source() -> None:
    head = filled(1)
    row = rows(1, 1)[0]
    assert head.score([row[:-1]])[0] == pytest.approx(head.score([[*row[:-1], 0.0]])[0])


def test_the_curvature_is_that_of_the_gradient() -> None:
    head = filled(3)
    place = np.random.default_rng(4).normal(size=WIDTH) * 0.3
    curvature = head._tables.curvature(place)
    for index in range(0, WIDTH, 7):
        nudged = np.zeros(WIDTH)
        nudged[index] = 1e-5
        numeric = (head._tables.objective(place + nudged)[1] - head._tables.objective(place - nudged)[1]) / 2e-5
        assert curvature[index] == pytest.approx(numeric, abs=1e-5)


def test_the_fit_is_the_top() -> None:
    head = filled(5)
    _, gradient = head.objective(head.mean)
    assert np.abs(gradient).max() < 1e-4


def test_the_posterior_is_positive_definite_and_narrower_than_the_prior() -> None:
    covariance = filled(6).covariance
    assert np.linalg.eigvalsh(covariance).min() > 0
    assert (np.diag(covariance) <= np.array(PRIOR.sd) ** 2 + 1e-9).all()


@settings(max_examples=8)
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_order_of_the_evidence_does_not_matter(seed: int, order: int) -> None:
    one, other = filled(seed), filled(seed, order)
    assert one.mean == pytest.approx(other.mean, abs=1e-5)
    for left, right in zip(one.score(rows(4, 1)), other.score(rows(4, 1)), strict=True):
        assert left == pytest.approx(right, abs=1e-4)


@pytest.mark.parametrize("step", [1, 5])
def test_click_by_click_ends_where_a_rebuild_does(step: int) -> None:
    one, other = filled(8), filled(8, step=step)
    assert one.mean == pytest.approx(other.mean, abs=1e-5)
    assert np.sqrt(np.diag(one.covariance)) == pytest.approx(np.sqrt(np.diag(other.covariance)), rel=0.05)


def test_evidence_can_be_taken_back_and_replaced() -> None:
    head = filled(9)
    before = head.mean.copy()
    head.add("more", ranking(SCALE, [[row] for row in rows(4, 77)]))
    assert np.abs(head.fit().mean - before).max() > 0.01
    head.drop("more")
    head.drop("never there")
    assert head.fit().mean == pytest.approx(before, abs=1e-5)
    kept = head._evidence["ranking 0"]
    head.add("ranking 0", ranking(SCALE, [[row] for row in rows(4, 78)]))
    head.fit()
    head.add("ranking 0", kept)
    assert head.fit().mean == pytest.approx(before, abs=1e-5)


def test_a_single_comparison_is_the_logistic_of_its_gap() -> None:
    p, q = rows(2, 10)
    head = Head(SCALE)
    head.add("one", ranking(SCALE, [[p], [q]]))
    head.fit()
    weights = np.random.default_rng(0).normal(size=WIDTH)
    gap = float((taste.basis(SCALE, [p]) - taste.basis(SCALE, [q]))[0] @ weights)
    assert head._tables.objective(weights)[0] == pytest.approx(np.log1p(np.exp(-gap)))


def test_a_ranking_is_plackett_luce() -> None:
    items = rows(4, 11)
    weights = np.random.default_rng(1).normal(size=WIDTH) * 0.4
    utilities = taste.basis(SCALE, items) @ weights
    expected = 0.0
    for place in range(3):
        expected -= utilities[place] - np.log(np.exp(utilities[place:]).sum())
    assert taste.Tables({0: ranking(SCALE, [[row] for row in items])}).objective(weights)[0] == pytest.approx(expected)


def test_ties_pull_together_and_take_no_side() -> None:
    p, q = rows(2, 12)
    head = Head(SCALE)
    apart = np.diff(Head(SCALE).fit().score([p, q])[0])[0]
    for number in range(30):
        head.add(str(number), ranking(SCALE, [[p, q]]))
    assert abs(np.diff(head.fit().score([p, q])[0])[0]) < abs(apart)
    gradient = taste.Tables({0: ranking(SCALE, [[p, q]])}).objective(np.zeros(WIDTH))[1]
    assert np.abs(gradient).max() < 1e-12


def test_a_group_may_stay_uncompared() -> None:
    p, q, r = rows(3, 21)
    assert ranking(SCALE, [[p], [q, r]], ties=False).sizes == (2,)
    assert ranking(SCALE, [[p], [q, r]]).sizes == (2, 1, 1)


def test_rejecting_all_moves_the_bar_and_accepting_moves_it_back() -> None:
    row = rows(1, 13)[0]
    head = Head(SCALE)
    start = head.fit().acceptance([row])[0]
    head.add("no", ranking(SCALE, [], rejected=[row]))
    rejected = head.fit().acceptance([row])[0]
    head.add("yes", verdict(SCALE, row, accepted=True, weight=3.0))
    assert rejected < start < head.fit().acceptance([row])[0]
    assert head.mean[BAR] != PRIOR.mean[BAR]


def test_an_edit_counts_more_than_a_ranking() -> None:
    final, draft = rows(2, 14)
    ranked, edited = Head(SCALE), Head(SCALE)
    ranked.add("r", ranking(SCALE, [[final], [draft]]))
    edited.add("e", edit(SCALE, final, draft))
    gaps = [float(-np.diff(head.fit().score([final, draft])[0])[0]) for head in (ranked, edited)]
    assert 0 < gaps[0] < gaps[1]
    assert 3 <= taste.EDIT_WEIGHT <= 6


def test_without_evidence_what_is_like_the_own_notes_comes_first() -> None:
    centre = [max(SCALE.raw(index, 0.0), 0.0) for index in range(COUNT)]
    far = [max(SCALE.raw(index, 2.0), 0.0) for index in range(COUNT)]
    means, deviations = Head(SCALE).fit().score([centre, far])
    assert means[0] > means[1]
    assert deviations[0] < deviations[1]


def test_aspect_evidence_moves_only_that_aspect() -> None:
    head = Head(SCALE)
    p, q = rows(2, 15)
    head.add("voice", ranking(SCALE, [[p], [q]], aspect="voice"))
    moved = np.abs(head.fit().mean - np.array(PRIOR.mean)) > 1e-9
    names = {FEATURES[index % COUNT].aspect for index in np.flatnonzero(moved[:BAR])}
    assert names == {"voice"}
    with pytest.raises(ValueError, match="looks"):
        ranking(SCALE, [[p], [q]], aspect="looks")


def test_it_learns_a_hidden_taste_from_rankings() -> None:
    generator = np.random.default_rng(16)
    hidden = np.zeros(COUNT)
    hidden[[INDEX["bullets"], INDEX["bold"], INDEX["words"], INDEX["links"]]] = (1.5, -1.5, -1.0, 1.0)
    head = Head(SCALE)
    items = rows(400, 17)
    utilities = SCALE.standardise(items) @ hidden
    for first in range(0, 160, 4):
        order = sorted(range(first, first + 4), key=lambda item: -(utilities[item] + generator.gumbel() * 0.5))
        head.add(str(first), ranking(SCALE, [[items[item]] for item in order]))
    scores = head.fit().score(items[160:])[0].reshape(-1, 2)
    truth = utilities[160:].reshape(-1, 2)
    assert ((scores[:, 0] > scores[:, 1]) == (truth[:, 0] > truth[:, 1])).mean() > 0.8


def test_draws_have_the_posteriors_mean_and_width() -> None:
    head = filled(18)
    items = rows(3, 19)
    means, deviations = head.score(items)
    drawn = head.draw(items, count=4000, seed=0)
    assert drawn.shape == (4000, 3)
    assert drawn.mean(axis=0) == pytest.approx(means, abs=0.1)
    assert drawn.std(axis=0) == pytest.approx(deviations, rel=0.1)
    assert (head.draw(items, count=5, seed=1) == head.draw(items, count=5, seed=1)).all()


def test_the_scale_is_robust_and_has_a_floor() -> None:
    base = rows(1, 20)[0]
    notes = [list(base) for _ in range(9)]
    notes[0][INDEX["words"]] = 10**6
    scale = fit_scale(notes)
    assert scale.notes == 9
    assert scale.standardise([base])[0] == pytest.approx(np.zeros(COUNT), abs=1e-9)
    assert all(spread >= feature.spread / 2 for spread, feature in zip(scale.spread, FEATURES, strict=True))
    assert np.abs(scale.standardise([notes[0]])).max() == FAR
    assert (scale.standardise([[float("nan")] * COUNT]) == 0).all()


def test_raw_and_standard_are_inverse() -> None:
    scale = Scale(tuple(0.5 for _ in FEATURES), tuple(0.8 for _ in FEATURES), 4)
    for index in range(COUNT):
        assert scale.raw(index, scale.standard(index, 3.0)) == pytest.approx(3.0)
