"""A trainer with scikit-learn: logistic regression, warm-started from the federation's model."""

import numpy
import skerry_trainer as skerry
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss


def classifier(model, task):
    made = SGDClassifier(loss="log_loss", penalty="l2", alpha=float(task.settings["alpha"]),
                         learning_rate="constant", eta0=task.training["learning_rate"],
                         random_state=task.seed + task.round)
    made.classes_ = numpy.array([0, 1])
    made.coef_ = model["coef"].astype("float64")
    made.intercept_ = model["intercept"].astype("float64")
    return made


def loss(made, rows):
    return log_loss(rows.labels, made.predict_proba(wide(rows)), labels=made.classes_)


def wide(rows):
    return rows.features.astype("float64")  # as the classifier's own coefficients are


@skerry.train
def fit(model, rows, task):
    made = classifier(model, task)
    for epoch in range(task.training["local_epochs"]):
        made.partial_fit(wide(rows), rows.labels, classes=made.classes_)
        task.progress(epoch + 1, task.training["local_epochs"])
    return {"coef": made.coef_, "intercept": made.intercept_}, {"loss": loss(made, rows)}


@skerry.evaluate
def score(model, rows, task):
    made = classifier(model, task)
    return {"loss": loss(made, rows), "accuracy": made.score(wide(rows), rows.labels)}


skerry.run()
