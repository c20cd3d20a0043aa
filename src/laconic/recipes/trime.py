"""Language models with memory on WikiText, and the plain ones that they are compared with (Zhong, Lei and Chen 2022)."""

from dataclasses import replace

from laconic.memory.objective import TrimeConfig
from laconic.recipes.lm import LMConfig, run_lm
from laconic.recipes.registry import Recipe
from laconic.training.loop import LoopConfig
from laconic.training.optimizer import OptimizerConfig
from laconic.training.schedule import ScheduleConfig

_ALL = 10**12
_STEPS = 450


def lm_wikitext2_cpu() -> Recipe:
    """A plain model of the words of WikiText-2, about a quarter of an hour on two cores."""
    return Recipe(name="lm-wikitext2-cpu", config=_wikitext2(), run=run_lm)


def trime_wikitext2_cpu() -> Recipe:
    """TrimeLM beside `lm-wikitext2-cpu`: the same text, the same updates; each segment is its own memory."""
    config = replace(_wikitext2(), objective="trime", trime=TrimeConfig(warmup=_STEPS // 20))
    return Recipe(name="trime-wikitext2-cpu", config=config, run=run_lm)


def trime_long_wikitext2_cpu() -> Recipe:
    """TrimeLMlong beside it: rows are consecutive segments, and the batch is their memory."""
    trime = TrimeConfig(reach="long", warmup=_STEPS // 20)
    config = replace(_wikitext2(), objective="trime", order="consecutive", trime=trime)
    return Recipe(name="trime-long-wikitext2-cpu", config=config, run=run_lm)


def _wikitext2() -> LMConfig:
    return LMConfig(
        corpus="wikitext-2",
        tokenizer="words[33278]",
        tokenizer_bytes=_ALL,
        size="1m",
        context=512,
        order="random",
        train_bytes=None,
        valid_bytes=200_000,
        test_bytes=_ALL,
        z_loss=0.0,
        loop=LoopConfig(
            steps=_STEPS,
            batch=8,
            optimizer=OptimizerConfig(name="muon", weight_decay=0.01),
            schedule=ScheduleConfig(peak=3e-3, warmup=20, decay="linear", floor=0.02),
            evaluate_every=150,
            checkpoint_every=150,
        ),
    )
