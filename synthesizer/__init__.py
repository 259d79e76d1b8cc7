"""Stage 2: text in a voice as a mel spectrogram."""
