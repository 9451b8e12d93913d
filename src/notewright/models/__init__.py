"""The model shelf: which bases there are, which versions were trained, and the engine that writes with them.

    bases       a base model by name: the bundled seedling, a folder, a hub id; the memory it needs
    registry    registered versions: register, use, rollback, describe
    turns       which of the kept versions writes next; bandit holds the method, as pure functions
    chat        [heavy] messages -> token ids, one encoding for training and drafting
    engine      [heavy] load once, n candidates from one prefill, adapters switched without reload
    precision   [heavy] which numbers weights are in and work is computed in
    splitting   [heavy] a base's layers split among the processes of a training

Importing this package imports nothing heavy; it only switches telemetry off, so that this happens before any library that has some.
"""

from ..settings import silence_telemetry

silence_telemetry()
