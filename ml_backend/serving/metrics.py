"""What Prometheus may know: requests, tasks, what was left out, versions and failed loads."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ml_backend.serving.model_server import ModelServer
from ml_backend.serving.tasks import Answer

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100)


class Metrics:
    """The counters of one server; routes are patterns, never addresses, so they stay few."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "goldloop_requests",
            "Requests answered",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "goldloop_request_seconds",
            "Time to answer a request",
            ["route"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.tasks = Counter(
            "goldloop_tasks_predicted",
            "Tasks and texts answered",
            ["project"],
            registry=self.registry,
        )
        self.unusable = Counter(
            "goldloop_tasks_unusable",
            "Tasks answered with an empty result because they could not be tagged",
            ["project"],
            registry=self.registry,
        )
        self.left_out = Counter(
            "goldloop_entities_left_out",
            "Entities left out because the labelling configuration lacks their label",
            ["project", "label"],
            registry=self.registry,
        )
        self.load_failures = Counter(
            "goldloop_load_failures",
            "Versions that could not be loaded",
            ["project"],
            registry=self.registry,
        )

    def watch(self, server: ModelServer) -> None:
        """Report which version each project is served by."""
        self.registry.register(_Versions(server))

    def count(self, project_key: str, answer: Answer) -> None:
        """Count one answered request for predictions."""
        self.tasks.labels(project_key).inc(len(answer.results))
        unusable = sum(len(names) for names in answer.unusable.values())
        if unusable:
            self.unusable.labels(project_key).inc(unusable)
        for label, entities in answer.left_out.items():
            self.left_out.labels(project_key, label).inc(entities)


class _Versions(Collector):
    def __init__(self, server: ModelServer):
        self._server = server

    def collect(self) -> Iterator[GaugeMetricFamily]:
        loaded = GaugeMetricFamily(
            "goldloop_loaded_version",
            "1 for the version that a project is served by",
            labels=["project", "version"],
        )
        broken = GaugeMetricFamily(
            "goldloop_champion_broken",
            "1 while a project's champion cannot be loaded",
            labels=["project"],
        )
        for key, status in self._server.statuses().items():
            if status.loaded:
                loaded.add_metric([key, status.loaded], 1)
            broken.add_metric([key], 1 if status.error else 0)
        yield loaded
        yield broken
