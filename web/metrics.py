"""Figures for Prometheus: of the requests, the batches and the process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    def __init__(self):
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        labels = ["method", "route", "status"]
        self.requests = Counter("timbre_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "timbre_request_seconds", "From a request's first byte to its answer's last.", ["route"],
            buckets=SECONDS, registry=registry,
        )  # fmt: skip
        self.batch = Histogram(
            "timbre_batch_sentences", "Sentences made together.", buckets=(1, 2, 4, 8, 16), registry=registry
        )
        self.sound = Counter("timbre_sound_seconds", "Seconds of sound made.", registry=registry)
        self.places = Gauge("timbre_places_taken", "Requests waiting or worked on.", registry=registry)
