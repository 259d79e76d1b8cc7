"""Ground floor: sound as numbers. Nothing here knows of any model."""
