"""The functions that the user's program registers."""

_functions = {}


def _register(kind, function):
    if kind in _functions:
        raise ValueError(f"two functions are registered with @{kind}")
    _functions[kind] = function
    return function


def train(function):
    """Registers `function(model, rows, task)`: returns the trained model, or (model, measures).

    `measures` may hold "loss", the mean over the training examples, and "num_examples", which a
    trainer that reads its data itself must give.
    """
    return _register("train", function)


def evaluate(function):
    """Registers `function(model, rows, task)`: returns the means over the rows by name, "loss" and
    each of task.metrics; and "num_examples" where the trainer reads its data itself."""
    return _register("evaluate", function)


def initialize(function):
    """Registers `function(task)`: returns the model that a run begins with."""
    return _register("initialize", function)


def find(kind):
    function = _functions.get(kind)
    if function is None:
        raise LookupError(f"this trainer has no function registered with @{kind}")
    return function
