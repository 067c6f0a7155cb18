"""FedAvg over all nodes in every round, no evaluation."""

import numpy as np
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

from .round_log import RoundLog

app = ServerApp()


class Timed(FedAvg):
    def __init__(self, log, **keywords):
        super().__init__(**keywords)
        self._log = log

    def aggregate_train(self, server_round, replies):
        aggregated = super().aggregate_train(server_round, replies)
        if aggregated[0] is None:
            raise RuntimeError(f"round {server_round}: nothing to aggregate")
        self._log.end_of_round(server_round)
        return aggregated


@app.main()
def main(grid, context):
    config = context.run_config
    log = RoundLog(config["out"], config["rounds"])
    strategy = Timed(log, fraction_train=1.0, fraction_evaluate=0.0,
                     min_train_nodes=config["clients"], min_available_nodes=config["clients"])
    initial = ArrayRecord([np.zeros(config["parameters"], dtype=np.float32)])
    strategy.start(grid, initial, num_rounds=config["rounds"])
