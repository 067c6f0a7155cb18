"""The rows of the table, one line for each module.

A module has `measure(context)`: a generator of rows as harness.table.row makes them. It yields each as
soon as it has it, bounds every process in time, and yields nothing where a program is missing.
"""

from . import aggregation, compression, growth, idle, idle_sites, large, native, rounds, simulation, superlink, training

MODULES = [rounds, superlink, aggregation, idle, idle_sites, simulation, growth, compression, native, large, training]
