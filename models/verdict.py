"""One word a reader can act on, and the sentence that earns it."""

from models.baselines import RANDOM
from models.bootstrap import Figure
from models.evaluate import Predictor, Verdict
from models.naming import span

USEFUL = "useful"
NOT_USEFUL = "not useful"
TOO_FEW = "not enough failures to say"


def verdict(model: Predictor, baselines: tuple[Predictor, ...], *, learnt: bool, needed: int) -> Verdict:
    """Judge the test figures: enough episodes, every baseline beaten beyond chance, or not.

    `learnt` is False for the constant-rate model that stands in when training has too few failures;
    `needed` is the fewest test episodes a verdict takes.
    """
    episodes = model.episodes
    if not learnt:
        return Verdict(
            TOO_FEW,
            "Not enough failures to say: the training part holds too few failure episodes to learn from "
            f"({_count(episodes.episodes)} in the test part); no alert is ever raised.",
        )
    if episodes.episodes < needed or model.rows.positives == 0:
        return Verdict(
            TOO_FEW,
            f"Not enough failures to say: {_count(episodes.episodes)} in the test part, "
            f"at least {needed} needed.",
        )
    if any(rival.beaten is None for rival in baselines):
        return Verdict(
            TOO_FEW,
            f"Not enough failures to say: {_count(episodes.episodes)} in the test part, in too short a time "
            "to tell skill from chance.",
        )
    unbeaten = [rival for rival in baselines if not rival.beaten]
    if unbeaten:
        worst = min(unbeaten, key=lambda rival: rival.difference.value or 0.0)
        if worst.name == RANDOM:
            return Verdict(NOT_USEFUL, f"Not useful: {_alerts(model, worst)}.")
        return Verdict(NOT_USEFUL, f"Not useful: {_ranking(model, worst)}.")
    best = max(baselines, key=lambda rival: rival.rows.pr_auc.value or 0.0)
    return Verdict(
        USEFUL,
        f"Useful: {episodes.caught} of {_count(episodes.episodes)} caught "
        f"(recall {_plain(episodes.recall)}), typically {_spoken(episodes.lead_time_median_s)} ahead, with "
        f"{_plain(episodes.false_alarms_per_robot_day)} false alarms per robot-day; PR-AUC "
        f"{_plain(model.rows.pr_auc)} against {_plain(best.rows.pr_auc)} of “{best.name}”.",
    )


def _alerts(model: Predictor, chance: Predictor) -> str:
    """Why alerts are worth nothing where the risks may well rank the rows."""
    ranking = f"though its risks rank the rows with a PR-AUC of {_plain(model.rows.pr_auc)}"
    caught = f"{model.episodes.caught} of {_count(model.episodes.episodes)} caught"
    if not model.episodes.alerts:
        return f"no risk reached the threshold chosen on validation, {caught}, {ranking}"
    return (
        f"{caught}, which as much time in warning at random moments can do, too "
        f"(recall {_plain(chance.episodes.recall)}), {ranking}"
    )


def _ranking(model: Predictor, rival: Predictor) -> str:
    """What the model's ranking of the rows lacks beside a rival's."""
    above = (rival.difference.value or 0.0) > 0
    return (
        f"its PR-AUC of {_plain(model.rows.pr_auc)} is "
        + ("above" if above else "not above")
        + f" the {_plain(rival.rows.pr_auc)} of “{rival.name}”"
        + (" by no more than chance can give" if above else "")
        + f" (difference {_plain(rival.difference, sign=True)}), with {model.episodes.caught} of "
        f"{_count(model.episodes.episodes)} caught"
    )


def _count(episodes: int) -> str:
    return f"{episodes} failure episode{'' if episodes == 1 else 's'}"


def _plain(figure: Figure, *, sign: bool = False) -> str:
    if figure.value is None:
        return "unknown"
    form = "+.3f" if sign else ".3f"
    if figure.low is None or figure.high is None:
        return f"{figure.value:{form}}"
    return f"{figure.value:{form}} [{figure.low:{form}} to {figure.high:{form}}]"


def _spoken(seconds: float | None) -> str:
    return "no time" if seconds is None else span(seconds)
