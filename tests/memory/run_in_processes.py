"""A small run with the batch as memory in as many processes as there are: `run_in_processes.py OUT`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
from tests.training.models import tiny_model

from laconic.memory.keys import KeyTap
from laconic.memory.objective import Trime, TrimeConfig
from laconic.training.data import Encoded
from laconic.training.loop import LoopConfig, shares, train
from laconic.training.schedule import ScheduleConfig
from laconic.training.segments import SegmentStream

CONFIG = LoopConfig(
    steps=6, batch=4, checkpoint_every=6, log_every=1, device="cpu", precision="fp32", schedule=ScheduleConfig(warmup=2)
)


def main() -> None:
    rank, world = shares(CONFIG)
    rng = np.random.default_rng(0)
    documents = [Encoded(ids=rng.integers(0, 20, size).astype(np.int32), bytes=size) for size in (90, 50, 200, 20)]
    data = SegmentStream(documents, length=12, pad_id=20, rows=4, order="consecutive", rank=rank, world=world)
    model = tiny_model()
    objective = Trime(KeyTap(model), vocab_size=20, config=TrimeConfig(reach="long", warmup=1))
    train(model, objective, data, CONFIG, Path(sys.argv[1]))
    sys.stdout.flush()
    # Threads of gloo can keep an interpreter from leaving.
    os._exit(0)


if __name__ == "__main__":
    main()
