"""Flower's legacy server: FedAvg over all clients in every round, no evaluation.

Writes a line to --out at the end of each round (round_log.py).
"""

import argparse

import flwr as fl
import numpy as np
from flwr.common import ndarrays_to_parameters
from flwr.server.strategy import FedAvg
from round_log import RoundLog


class Timed(FedAvg):
    def __init__(self, log, **keywords):
        super().__init__(**keywords)
        self._log = log

    def aggregate_fit(self, server_round, results, failures):
        if failures:
            raise RuntimeError(f"round {server_round}: {failures[0]}")
        aggregated = super().aggregate_fit(server_round, results, failures)
        self._log.end_of_round(server_round)
        return aggregated


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kit", required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--parameters", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    initial = np.zeros(arguments.parameters, dtype=np.float32)
    fl.server.start_server(
        server_address=f"127.0.0.1:{arguments.port}",
        config=fl.server.ServerConfig(num_rounds=arguments.rounds),
        strategy=Timed(RoundLog(arguments.out, arguments.rounds), fraction_fit=1.0,
                       min_fit_clients=arguments.clients, min_available_clients=arguments.clients,
                       fraction_evaluate=0.0, initial_parameters=ndarrays_to_parameters([initial])),
        certificates=(read(f"{arguments.kit}/ca.pem"), read(f"{arguments.kit}/coordinator.pem"),
                      read(f"{arguments.kit}/coordinator.key")))


if __name__ == "__main__":
    main()
