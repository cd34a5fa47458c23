"""`/health` for monitors and `/metrics` for Prometheus. Touches the database, which it only reads."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.errors import StoreFailed
from service.models import Delivery, DeliveryState, Notice
from service.pipeline.status import watched_state
from service.store.database import reading
from service.store.mail_counts import state_counts
from service.web.site import READ, Site


def routes(site: Site) -> APIRouter:
    router = APIRouter()
    registry = CollectorRegistry()
    registry.register(_Tables(site))
    ProcessCollector(registry=registry)

    @router.api_route("/health", methods=READ)
    def health() -> JSONResponse:
        """200 where all is well, 503 where a person is needed or the database can't be read."""
        try:
            with reading(site.engine) as session:
                state = watched_state(session, site.clock())
        except StoreFailed:
            return JSONResponse({"database": "failed"}, status_code=503)
        needs = len(state["needs_a_person"])
        told = {
            "database": "ok",
            "last_fetch_at": state["last_fetch_at"].isoformat() if state["last_fetch_at"] else None,
            "overdue": state["overdue"],
            "needs_a_person": needs,
        }
        return JSONResponse(told, status_code=503 if needs else 200)

    @router.api_route("/metrics", methods=READ)
    def metrics() -> Response:
        """Counts only, no address; a reverse proxy should keep it from the world all the same."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


class _Tables(Collector):
    """What the tables tell at the moment they are asked; nothing is counted beside them."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def collect(self) -> Iterator[Metric]:
        with reading(self.site.engine) as session:
            state = watched_state(session, self.site.clock())
            mails = {"delivery": state_counts(session, Delivery), "notice": state_counts(session, Notice)}
        yield GaugeMetricFamily("paperround_papers", "Papers stored.", value=state["papers"])
        people = GaugeMetricFamily("paperround_subscribers", "Subscribers by state.", labels=["state"])
        for name, count in state["subscribers"].items():
            people.add_metric([name], count)
        yield people
        by_state = GaugeMetricFamily("paperround_mails", "Mails ever planned, by kind and state.", labels=["kind", "state"])
        for kind, counts in mails.items():
            for name in DeliveryState:
                by_state.add_metric([kind, name], counts.get(name, 0))
        yield by_state
        overdue = GaugeMetricFamily("paperround_overdue", "Digests and mails whose time has passed.", labels=["what"])
        for what, count in state["overdue"].items():
            overdue.add_metric([what], count)
        yield overdue
        if fetched_at := state["last_fetch_at"]:
            help_text = "When the source was asked last."
            yield GaugeMetricFamily("paperround_last_fetch_timestamp_seconds", help_text, value=fetched_at.timestamp())
        needs = len(state["needs_a_person"])
        yield GaugeMetricFamily("paperround_needs_a_person", "What `paperround status` names.", value=needs)
