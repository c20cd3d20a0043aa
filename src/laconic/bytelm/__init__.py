"""Language models over bytes that answer in integer counts: the one room where likelihoods become counts.

`registry` loads a model by name, file or fingerprint; `base` says what a model is; `weights` makes the counts.
"""
