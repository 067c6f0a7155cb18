"""What a client takes that trains for itself."""

from harness import native, processes
from harness.table import row

PARAMETERS, QUICK_PARAMETERS = 25_000_000, 2_500_000


def measure(context):
    if context.program("skerry-client") is None:
        return
    parameters = QUICK_PARAMETERS if context.quick else PARAMETERS
    processes.say(f"native trainer, {parameters} parameters")
    with context.folder() as folder:
        cost = native.measure_rounds(context.bin_dir, folder, 2, parameters, 3)
    bound = (2.5 * cost.model_bytes + 32e6) / 1e6
    yield row(f"native trainer, client peak RSS, model of {cost.model_bytes / 1e6:.0f} MB",
              cost.client_rss / 1e6, "MB", limit=bound, target=f"<= {bound:.0f} MB", at_most=bound)
