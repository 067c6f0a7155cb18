"""A trainer with PyTorch: a network of two layers, any other module will do."""

import skerry_trainer as skerry
import torch


def network(model, task):
    made = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    made.load_state_dict({name: torch.from_numpy(array) for name, array in model.items()})
    return made


def loss(outputs, labels):
    return torch.nn.functional.binary_cross_entropy_with_logits(outputs, labels)


def tensors(rows):
    return torch.tensor(rows.features), torch.tensor(rows.labels)  # copies: PyTorch wants its own


@skerry.initialize
def begin(task):
    torch.manual_seed(task.seed)
    made = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
    return {name: value.numpy() for name, value in made.state_dict().items()}


@skerry.train
def fit(model, rows, task):
    made = network(model, task)
    features, labels = tensors(rows)
    optimizer = torch.optim.SGD(made.parameters(), lr=task.training["learning_rate"], momentum=0.9)
    random = task.random()
    size = task.training["batch_size"]
    epochs = task.training["local_epochs"]
    total = 0.0
    for epoch in range(epochs):
        order = torch.from_numpy(random.permutation(len(rows)))
        total = 0.0
        for batch in order.split(size):
            optimizer.zero_grad()
            value = loss(made(features[batch]).squeeze(1), labels[batch])
            value.backward()
            optimizer.step()
            total += value.item() * len(batch)
        task.progress(epoch + 1, epochs)
    return {name: value.numpy() for name, value in made.state_dict().items()}, {"loss": total / len(rows)}


@skerry.evaluate
def score(model, rows, task):
    features, labels = tensors(rows)
    with torch.no_grad():
        outputs = network(model, task)(features).squeeze(1)
    return {"loss": loss(outputs, labels).item(),
            "accuracy": ((outputs > 0) == (labels == 1)).float().mean().item()}


torch.set_num_threads(1)  # the same bits, whatever the machine has
skerry.run()
