"""Synthesizers, one file or folder each; `training.registry` finds them."""
