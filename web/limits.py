"""How much is too much. The page shows some of these; `tests/web/test_web_page.py` holds both together."""

UPLOAD_BYTES = 20_000_000
"""Of a whole request with recordings."""
JSON_BYTES = 1_000_000
"""Of any other request."""
RECORDINGS = 8
"""Files that make one voice."""
SECONDS = 60.0
"""Of all recordings of one voice together."""
CHANNELS = 2
LOWEST_RATE, HIGHEST_RATE = 8_000, 96_000
"""Hz"""
KEPT_RATE = 24_000
"""Hz: recordings are brought down to this; no model here hears more."""
TEXT = 5_000
"""Characters."""

DECODE_SECONDS = 30.0
"""Until the decoder of a recording is killed."""
DECODE_CPU_SECONDS = 10
DECODE_MEMORY = 1_000_000_000
DECODE_FILE_BYTES = 64_000_000
DECODERS = 2
"""At work at a time; others wait."""

PLACES = 32
"""Requests that wait or are worked on; one more is answered 429."""
BATCH = 16
"""Sentences made together."""
PATIENCE = 120.0
"""Seconds a request waits for its next sentence before it is answered 503."""
GOODBYE_SECONDS = 60
"""What has begun gets so long to finish when the service stops."""
