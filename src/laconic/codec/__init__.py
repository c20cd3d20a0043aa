"""Exact integer coding: arithmetic codes, Equal-Info windows, bits and tokens.

This room sees integers only. It is handed cumulative counts and never asks who made them: its coders are batched
push/pull machines, since a compiled loop cannot call a model.
"""
