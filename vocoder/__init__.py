"""Stage 3: a mel spectrogram becomes sound."""
