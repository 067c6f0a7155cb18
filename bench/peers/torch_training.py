"""Passes over random images by plain SGD with PyTorch on one thread: what skerry_training_bench does.

Usage: torch_training.py 2nn|lenet|cnn ROWS EPOCHS BATCH_SIZE     prints a line of JSON
"""

import json
import sys
import time

import torch
from torch import nn


def make(name):
    if name == "2nn":
        return nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10))
    image = nn.Unflatten(1, (1, 28, 28))
    if name == "lenet":
        return nn.Sequential(image, nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                             nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 84),
                             nn.ReLU(), nn.Linear(84, 10))
    return nn.Sequential(image, nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10))


def train(model, images, labels, epochs, batch_size):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loss = nn.CrossEntropyLoss()
    rows = len(labels)
    for _ in range(epochs):
        order = torch.randperm(rows)
        for first in range(0, rows, batch_size):
            batch = order[first:first + batch_size]
            optimizer.zero_grad()
            loss(model(images[batch]), labels[batch]).backward()
            optimizer.step()


def main():
    name, rows, epochs, batch_size = sys.argv[1], *map(int, sys.argv[2:])
    torch.set_num_threads(1)
    torch.manual_seed(1)
    model = make(name)
    images, labels = torch.rand(rows, 784), torch.randint(0, 10, (rows,))
    train(model, images, labels, 1, batch_size)
    begin = time.process_time()
    train(model, images, labels, epochs, batch_size)
    seconds = time.process_time() - begin
    print(json.dumps({"model": name, "examples_per_cpu_second": round(rows * epochs / seconds),
                      "torch": torch.__version__}))


if __name__ == "__main__":
    main()
