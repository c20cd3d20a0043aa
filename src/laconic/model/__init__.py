"""Hugging Face models: named sizes, their anatomy, models whose layers were cut, and folders of safetensors to keep them in.

Import the modules directly: `laconic.model.sizes`, `laconic.model.anatomy`, `laconic.model.cut`, `laconic.model.folder`.
"""
