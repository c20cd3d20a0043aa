"""A small training run as a process of its own: `python run_in_process.py OUT [kill-at STEP]`, for tests of kill and DDP."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.training.models import dropout_model, tiny_model, tiny_stream

from laconic.model.folder import save_model
from laconic.training.language_modeling import LanguageModeling
from laconic.training.loop import LoopConfig, Progress, shares, train
from laconic.training.schedule import ScheduleConfig

CONFIG = LoopConfig(
    steps=10, batch=4, checkpoint_every=4, log_every=1, device="cpu", precision="fp32", schedule=ScheduleConfig(warmup=2)
)


def main() -> None:
    out, stop = Path(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 2 else 0

    def kill(progress: Progress) -> None:
        if progress.step == stop:
            os.kill(os.getpid(), signal.SIGKILL)

    rank, world = shares(CONFIG)
    model = tiny_model() if world > 1 else dropout_model()
    data = tiny_stream(rank=rank, world=world, packing="trim")
    outcome = train(model, LanguageModeling(vocab_size=20), data, CONFIG, out, report=kill)
    if rank == 0:
        save_model(outcome.model, out / "model")


if __name__ == "__main__":
    main()
