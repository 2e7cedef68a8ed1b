"""A copy of each run's settings and figures in MLflow, for those who compare models there."""

import hashlib

from features.errors import UsageError
from models import artifact
from models.train import Trained

EXPERIMENT = "forewarn"


def track(trained: Trained, uri: str, *, experiment: str = EXPERIMENT) -> str:
    """Log a training run to the MLflow store at `uri` (`sqlite:///mlflow.db`) and return its run id.

    Settings become parameters; test figures metrics, named as in the card; provenance, verdict and data
    counts tags. The artifact stays where the train step writes it, its SHA-256 is a tag.
    Raises `UsageError` without the extra `mlflow`.
    """
    try:
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise UsageError(
            "MLflow logging is configured", got="not installed", hint="pip install 'forewarn[mlflow]'"
        ) from error
    client, card = MlflowClient(tracking_uri=uri), trained.model.card
    found = client.get_experiment_by_name(experiment)
    number = client.create_experiment(experiment) if found is None else found.experiment_id
    run = client.create_run(number, run_name=str(card["provenance"].get("features", "train"))).info.run_id
    for name, value in card["settings"].items():
        client.log_param(run, name, str(value)[:500])
    model = trained.evaluation.by_time.model
    figures = {
        "pr_auc": model.rows.pr_auc.value,
        "roc_auc": model.rows.roc_auc.value,
        "brier": model.rows.brier.value,
        "f1": model.rows.f1,
        "recall": model.episodes.recall.value,
        "false_alarms_per_robot_day": model.episodes.false_alarms_per_robot_day.value,
        "episodes": float(model.episodes.episodes),
        "threshold": trained.model.threshold,
    }
    for name, figure in figures.items():
        if figure is not None:
            client.log_metric(run, name, figure)
    tags = {f"commit.{name}": str(commit) for name, commit in card["provenance"].items()}
    tags |= {"verdict": trained.evaluation.verdict.word, "kind": card["kind"], "sha256": _digest(trained)}
    for name, text in tags.items():
        client.set_tag(run, name, text)
    client.set_terminated(run)
    return str(run)


def _digest(trained: Trained) -> str:
    model = trained.model
    return hashlib.sha256((model.text + artifact.dumps(model.card)).encode()).hexdigest()
