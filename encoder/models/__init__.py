"""Speaker encoders, one file each; `training.registry` finds them."""
