"""The room of records: what a run was, what it cost and what came out, as versioned JSON.

| module | what it holds |
|---|---|
| `record` | `Record`: one run, from `start` to `finish`, saved and loaded |
| `plain` | values turned into plain JSON, with what is not finite named instead of lost |
| `meter` | wall time and energy between two moments |
| `hardware`, `versions` | the machine and the software, read without importing anything heavy |
| `benchmark` | results that are only ever added: JSON with its table beside it |
| `citation` | BibTeX of the methods a run used |
| `files` | files that appear whole or not at all |
| `tensors` | safetensors files with JSON about them, which say what they are and are checked before use |
"""
