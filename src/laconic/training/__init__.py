"""Training: one plain loop on `accelerate`, objectives as the seam for methods, schedules, data and exact checkpoints.

Import the modules directly: `laconic.training.loop`, `laconic.training.language_modeling`, `laconic.training.data`, ...
"""
