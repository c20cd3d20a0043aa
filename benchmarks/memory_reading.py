"""What a memory costs in reading: tokens per second with local and with long-term memory, against none, at the same stride.

    python benchmarks/memory_reading.py                              # some minutes on two cores
    python benchmarks/memory_reading.py --sizes 1m --tokens 20000    # a trial

Models of fresh weights read random words, most of them frequent ones, with windows of 512 tokens of which 256 are new. Before
anything is timed, the long memory is filled: the text begins with as many tokens as it has slots. Rounds of all kinds follow
each other, and medians are compared.
"""

import argparse
import statistics
import time
from typing import Any

import torch

from laconic.evaluation.memory import MemoryConfig, read_windows
from laconic.memory.stores import AbstractMemory, Window, slots_mass
from laconic.model.sizes import build_model, count_parameters
from laconic.records.benchmark import markdown_table
from script import finish_record, new_parser, start_record

WORDS, CONTEXT, STRIDE, SLOTS = 33_278, 512, 256, 15_000
MEMORIES = {
    "none": MemoryConfig(),
    "local": MemoryConfig(read="local"),
    "long": MemoryConfig(read="long", size=SLOTS),
}


def rates(size: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Tokens per second with each memory."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = build_model(size, vocab_size=WORDS + 1, context=CONTEXT, seed=0).to(device)
    model.train(False)
    share_V = 1.0 / torch.arange(1.0, WORDS + 1)
    tokens_N = torch.multinomial(share_V, options.tokens, replacement=True, generator=torch.Generator().manual_seed(0))
    found: dict[str, list[float]] = {name: [] for name in MEMORIES}
    for round_number in range(options.rounds + 1):
        for name, memory in MEMORIES.items():
            began = time.perf_counter()
            windows = read_windows(model, tokens_N.numpy(), vocab_size=WORDS, context=CONTEXT, stride=STRIDE)
            store, nats = _filled(memory, model.config.hidden_size, device), 0.0
            for said in windows:
                mass = slots_mass(said.window, store.slots(said.window), memory.temperature)
                log_p_N = memory.mixture().log_probability(said.partition_N, said.gold_N, mass)
                nats -= float(log_p_N.double().sum())
                store.remember(said.window)
            if round_number:  # The first one warms up.
                found[name].append(options.tokens / (time.perf_counter() - began))
    medians = {name: statistics.median(values) for name, values in found.items()}
    parameters = count_parameters(model).total
    return [
        {
            "size": size,
            "parameters": parameters,
            "memory": name,
            "tokens_per_second": round(value),
            "times_slower": round(medians["none"] / value, 3),
        }
        for name, value in medians.items()
    ]


def _filled(memory: MemoryConfig, width: int, device: str) -> AbstractMemory:
    """The memory of a text of which so many tokens have been read already."""
    key_TD = torch.randn(SLOTS, width, generator=torch.Generator().manual_seed(1)).to(device)
    token_T = torch.randint(0, WORDS, (SLOTS,), generator=torch.Generator().manual_seed(2)).to(device)
    store = memory.memory()
    store.remember(Window(key_TD=key_TD, token_T=token_T, begin=-SLOTS, asked=SLOTS))
    return store


def main() -> None:
    arguments = _arguments()
    record = start_record("memory-reading", arguments, seed=0)
    rows = [row for size in arguments.sizes for row in rates(size, arguments)]
    table = markdown_table(rows)
    finish_record(record, table, {"rows": rows}, arguments)


def _arguments() -> argparse.Namespace:
    parser = new_parser(__doc__)
    parser.add_argument("--sizes", nargs="+", default=["1m", "25m"], help="sizes of models; with 33,278 words, 5M and 42M")
    parser.add_argument("--tokens", type=int, default=50_000, help="length of the text")
    parser.add_argument("--rounds", type=int, default=3, help="readings of each kind that are timed")
    return parser.parse_args()


if __name__ == "__main__":
    main()
