"""Wall time and energy between two moments."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import final

POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the energy counters of CPU packages (RAPL), if the machine has them and lets us read them."""

_SAMPLE_SECONDS = 30.0


@final
class Meter:
    """Measures from its creation to `stop`: wall seconds, and joules where the machine tells.

    Joules are those of all CPU packages of the machine, memory and accelerators not included, and whatever else ran at the
    same time is in them. The counters wrap around after some hundred kilojoules, so a thread looks at them now and then;
    where there are no readable counters, there is no thread.
    """

    def __init__(self, powercap: Path = POWERCAP) -> None:
        self._start = time.perf_counter()
        self._packages = [zone for zone in sorted(powercap.glob("intel-rapl:*")) if zone.name.count(":") == 1]
        self._last = self._read()
        self._microjoules = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        if self._last:
            threading.Thread(target=self._watch, name="laconic-energy", daemon=True).start()

    def stop(self) -> Mapping[str, float | None]:
        """End the measurement.

        Returns:
            `wall_seconds`, and `joules` or None.
        """
        seconds = time.perf_counter() - self._start
        whole = self._sample()
        self._stopped.set()
        return {"wall_seconds": seconds, "joules": self._microjoules / 1e6 if whole else None}

    def _watch(self) -> None:
        while not self._stopped.wait(_SAMPLE_SECONDS):
            self._sample()

    def _sample(self) -> bool:
        """Add what was spent since the last sample; False where that cannot be read now."""
        with self._lock:
            now = self._read()
            if not now or now.keys() != self._last.keys():
                return False
            for zone, (energy, span) in now.items():
                # Modulo the counter's range: it starts again from 0 after its largest value.
                self._microjoules += (energy - self._last[zone][0]) % (span + 1)
            self._last = now
            return True

    def _read(self) -> dict[str, tuple[int, int]]:
        """Counter and largest value in microjoules for each package; empty where any of them cannot be read."""
        try:
            return {
                zone.name: (int((zone / "energy_uj").read_text()), int((zone / "max_energy_range_uj").read_text()))
                for zone in self._packages
            }
        except (OSError, ValueError):
            return {}
