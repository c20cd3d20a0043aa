"""The loss of a batch in as many processes as there are, and the gradient they agree on: `loss_in_processes.py OUT`."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import torch
from safetensors.torch import save_file
from tests.training.models import tiny_model
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from laconic.memory.keys import KeyTap
from laconic.memory.objective import REACHES, Trime, TrimeConfig
from laconic.training.objective import Batch

VOCAB, ROWS, LENGTH = 20, 4, 6


def main() -> None:
    distributed.init_process_group("gloo")
    result = losses_and_gradients(distributed.get_rank(), distributed.get_world_size())
    if distributed.get_rank() == 0:
        save_file(result, sys.argv[1])
    distributed.barrier()
    distributed.destroy_process_group()
    sys.stdout.flush()
    # Threads of gloo can keep an interpreter from leaving.
    os._exit(0)


def losses_and_gradients(rank: int, world: int) -> dict[str, torch.Tensor]:
    """By reach, of a batch of which each process has an equal share. Wrapped models are gone before the group is."""
    generator = torch.Generator().manual_seed(1)
    tokens_BT = torch.randint(0, 5, (ROWS, LENGTH), generator=generator)
    tokens_BT[3, 4:] = VOCAB
    documents_BT = torch.tensor([0, 0, 0, 1])[:, None].expand(ROWS, LENGTH).contiguous()
    share = ROWS // world
    mine = slice(rank * share, (rank + 1) * share)
    all_count = int((tokens_BT != VOCAB).sum())
    count = int((tokens_BT[mine] != VOCAB).sum())
    batch = Batch(tokens_BT=tokens_BT[mine], pad_id=VOCAB, count=count, bytes=count, documents_BT=documents_BT[mine])
    result: dict[str, torch.Tensor] = {}
    for reach in REACHES:
        model = tiny_model()
        wrapped = DistributedDataParallel(model)
        objective = Trime(KeyTap(model), vocab_size=VOCAB, config=TrimeConfig(reach=reach, without_local=0.0))
        loss = objective.loss(wrapped, batch).loss * count / all_count
        (loss * world).backward()
        distributed.all_reduce(total := loss.detach().clone())
        result[f"{reach}.loss"] = total
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            result[f"{reach}.{name}"] = parameter.grad.clone()
    return result


if __name__ == "__main__":
    main()
