"""Stage 1: a voice as a vector."""
