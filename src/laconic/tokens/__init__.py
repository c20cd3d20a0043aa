"""Tokenizers: the room where text, codecs and byte models become ids for a language model, and ids become text again.

One file per tokenizer. `laconic.tokens.registry` builds and loads them by name; `laconic.tokens.face` gives each the
methods that Hugging Face code expects.
"""
