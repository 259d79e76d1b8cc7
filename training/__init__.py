"""Ground floor: how any model learns, is saved and comes back. Nothing here knows of any stage."""
