"""Returns the parameters and a step, another one for each client."""

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(message, context):
    step = np.float32(1 + int(context.node_config["index"]) / 1024)
    updated = [part + step for part in message.content["arrays"].to_numpy_ndarrays()]
    content = RecordDict({"arrays": ArrayRecord(updated),
                          "metrics": MetricRecord({"num-examples": 100})})
    return Message(content=content, reply_to=message)
