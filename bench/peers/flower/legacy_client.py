"""Flower's legacy client, with a training that does nothing but return another update for each client."""

import argparse

import flwr as fl
import numpy as np


class NoOp(fl.client.NumPyClient):
    def __init__(self, index):
        self._step = np.float32(1 + index / 1024)

    def fit(self, parameters, config):
        return [part + self._step for part in parameters], 100, {}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--index", type=int, required=True)
    arguments = parser.parse_args()
    with open(arguments.ca, "rb") as file:
        ca = file.read()
    fl.client.start_client(server_address=f"127.0.0.1:{arguments.port}",
                           client=NoOp(arguments.index).to_client(), root_certificates=ca)


if __name__ == "__main__":
    main()
