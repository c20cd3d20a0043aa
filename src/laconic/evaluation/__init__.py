"""Evaluation: measured, returned as plain data, never printed.

Import the modules directly: `laconic.evaluation.bits`, `laconic.evaluation.flops`, `laconic.evaluation.trivial`,
`laconic.evaluation.scores`, `laconic.evaluation.squad`.
"""
