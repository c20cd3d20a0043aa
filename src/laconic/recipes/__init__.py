"""Recipes: named runs, one function each, that return their full configuration; the only room where methods are combined.

Import the modules directly: `laconic.recipes.registry`, `laconic.recipes.lm`, `laconic.recipes.quickstart`.
"""
