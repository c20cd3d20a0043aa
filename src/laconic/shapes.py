"""The legend of tensor letters: one letter means one axis, everywhere in laconic.

A name such as `counts_BTS` reads as "counts, by stream, by step, by symbol". The same letters stand in the
jaxtyping annotations of public signatures, which the test suite checks while it runs.

| letter | axis |
|---|---|
| B | batch: independent streams, documents or blocks |
| T | time: steps, positions, symbols of one stream in order |
| S | symbols of the byte alphabet: 256, or 257 with the end-of-document symbol |
| C | edges of a cumulative count table: S + 1 |
| V | vocabulary of a token model |
| D | width of a model |
| H | heads |
| L | layers |
| U | units of a feed-forward part |
| M | slots of a memory |
| N | anything else that is only counted |
"""

BYTES = 256
"""How many byte values there are: symbols 0 to 255 are the bytes themselves."""

EOS = 256
"""The end-of-document symbol: the one symbol beyond the bytes."""

SYMBOLS = 257
"""The size of the alphabet with the end-of-document symbol."""
