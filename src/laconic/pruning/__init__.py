"""Structured pruning with distillation, CoFi (Xia, Zhong and Chen 2022): gates, masks, sizes, the objective, and the cut.

Import the modules directly, such as `laconic.pruning.gates` and `laconic.pruning.cutting`.
"""
