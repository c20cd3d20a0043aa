"""Runs small enough for tests: a text, and configurations of the recipes for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from laconic.recipes.lm import LMConfig
from laconic.training.loop import LoopConfig
from laconic.training.schedule import ScheduleConfig

torch.set_num_threads(1)


def write_text(folder: Path, kilobytes: int = 120) -> Path:
    """Lines with some rhyme and reason, the same each time."""
    words = "the a cat dog sat ran on under mat log and but so then red green over round we they"
    known = words.split()
    lines, number = [], 1
    while sum(map(len, lines)) < kilobytes * 1000:
        number = number * 1103515245 + 12345 & 0x7FFFFFFF
        lines.append(" ".join(known[(number >> shift) % len(known)] for shift in (3, 8, 12, 17, 21)) + ".\n")
    path = folder / "text.txt"
    path.write_text("".join(lines))
    return path


def small_config(text: Path, **changes: Any) -> LMConfig:
    """A run of about a second."""
    loop = LoopConfig(
        steps=1, batch=4, evaluate_every=4, log_every=1, device="cpu", schedule=ScheduleConfig(peak=1e-2, warmup=2)
    )
    config = LMConfig(
        corpus=str(text), size="tiny", context=32, train_bytes=2_000, valid_bytes=500, test_bytes=1_000, loop=loop
    )
    return replace(config, **changes)
