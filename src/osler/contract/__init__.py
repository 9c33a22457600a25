"""The promises that every modality, task and objective keeps, with harmless defaults.

The words are those of the core. Shapes: n cases in columns, B cases in a batch, k raw outputs. A method without a default
must be written; one with a default is overridden where the kind of data has something to say. One suite in
`tests/contract/` runs over every modality and every task that fits it (`task.needs(info) in modality.outputs`).
"""

from osler.contract.maker import Batches, Made, Maker
from osler.contract.modality import NO_OPTIONS, Modality, Output
from osler.contract.objective import Objective
from osler.contract.task import Task
from osler.core.batch import Batch, Encoded, InputBatch, TargetBatch
from osler.core.features import BaselineModel

__all__ = [
    "NO_OPTIONS",
    "BaselineModel",
    "Batch",
    "Batches",
    "Encoded",
    "InputBatch",
    "Made",
    "Maker",
    "Modality",
    "Objective",
    "Output",
    "TargetBatch",
    "Task",
]
