"""The file container that `laconic compress` writes: self-framing blocks, each coded by whichever way is smallest.

`laconic.archive.stream` is the face of this room; docs/format.md describes every byte.
"""
