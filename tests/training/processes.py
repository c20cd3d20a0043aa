"""Several processes that train together, as a launcher starts them."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence


def in_processes(words: Sequence[str], world: int) -> None:
    """Run a script once for each rank; all must end well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    common = {
        "WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
    }
    running = [
        subprocess.Popen([sys.executable, *words], env=os.environ | common | {"RANK": rank, "LOCAL_RANK": rank})
        for rank in map(str, range(world))
    ]
    assert [process.wait(timeout=300) for process in running] == [0] * world
