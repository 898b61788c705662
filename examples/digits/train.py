"""Handwritten digits by scikit-learn: three models, each trained step by step under assay's run contract."""

from assay_runtime import main
from assay_runtime.with_sklearn import Estimator

import numpy as np


class Logistic(Estimator):
    """Multinomial choice by one logistic regression a class, fitted by stochastic gradient descent."""

    def setup(self, run, data):
        alpha = run.param("alpha", 1e-4, float, low=0)
        from sklearn.linear_model import SGDClassifier

        self.x, self.y, self.classes = data.train.x / 16, data.train.y, np.arange(len(data.classes))
        self.model = SGDClassifier(loss="log_loss", alpha=alpha, average=True, shuffle=False, random_state=run.seed)

    def step(self, rows):
        self.model.partial_fit(self.x[rows], self.y[rows], classes=self.classes)
        return fit_on(self.model.predict_proba(self.x[rows]), self.y[rows])

    def scores(self, x):
        return self.model.predict_proba(x / 16)


class Mlp(Estimator):
    """One hidden layer, Adam."""

    def setup(self, run, data):
        hidden = run.param("hidden", 64, int, low=1)
        rate = run.param("learning_rate", 2e-3, float, low=0)
        from sklearn.neural_network import MLPClassifier

        self.x, self.y, self.classes = data.train.x / 16, data.train.y, np.arange(len(data.classes))
        self.model = MLPClassifier((hidden,), learning_rate_init=rate, shuffle=False, random_state=run.seed)

    def step(self, rows):
        self.model.partial_fit(self.x[rows], self.y[rows], classes=self.classes)
        return {**fit_on(self.model.predict_proba(self.x[rows]), self.y[rows]), "loss": self.model.loss_}

    def scores(self, x):
        return self.model.predict_proba(x / 16)


class Boosting(Estimator):
    """Gradient boosting: a step adds one tree a class, fitted to all rows."""

    def setup(self, run, data):
        from sklearn.ensemble import GradientBoostingClassifier

        self.x, self.y, self.batch_size = data.train.x, data.train.y, len(data.train)
        self.model = GradientBoostingClassifier(
            n_estimators=0,
            learning_rate=run.param("shrinkage", 0.2, float, low=0),
            max_depth=run.param("depth", 3, int, low=1),
            subsample=run.param("subsample", 0.5, float, low=0.01, high=1),
            max_features="sqrt",
            warm_start=True,
            random_state=run.seed,
        )

    def step(self, rows):
        # The rows' order is of no use to trees: each draws its own share of all rows.
        self.model.n_estimators += 1
        self.model.fit(self.x, self.y)
        sample = rows[:128]
        loss = float(self.model.train_score_[-1])
        return {**fit_on(self.model.predict_proba(self.x[sample]), self.y[sample]), "loss": loss}


def fit_on(scores, y):
    """Loss and accuracy on the step's own rows."""
    chosen = np.clip(scores[np.arange(len(y)), y], 1e-12, 1)
    return {"loss": float(-np.log(chosen).mean()), "accuracy": float((scores.argmax(axis=1) == y).mean())}


MODELS = {"logistic": Logistic, "mlp": Mlp, "boosting": Boosting}


class Trainer:
    """The model that `params.model` names."""

    def setup(self, run, data):
        self._choose(run)
        self.chosen.setup(run, data)

    def load_model(self, run, path):
        self._choose(run)
        self.chosen.load_model(run, path)

    def _choose(self, run):
        self.chosen = MODELS[run.param("model", kind=str, one_of=MODELS)]()

    def __getattr__(self, name):
        return getattr(self.chosen, name)


if __name__ == "__main__":
    main(Trainer())
