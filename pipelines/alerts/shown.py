"""The book of alerts as the dashboard asks for it."""

import time
from collections.abc import Sequence
from datetime import datetime

from pipelines.alerts.book import Book
from reports.dashboard.alert_views import AlertState, AlertView, AttemptView, DeliveryView, EventView


class ShownAlerts:
    """`reports.dashboard.alert_views.Alerts`, answered by a book."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def alerts(self, state: AlertState, limit: int, offset: int = 0) -> Sequence[AlertView]:
        """Newest first."""
        return self._book.alerts(state=state, limit=limit, offset=offset)

    def alert(self, name: str) -> AlertView:
        """One by its id. Raises NotFoundError."""
        return self._book.alert(name)

    def alert_events(self, name: str) -> Sequence[EventView]:
        """What happened to one, oldest first."""
        return [EventView(event.kind, event.at, event.told) for event in self._book.history(name)]

    def deliveries(self, limit: int, alert: str | None = None) -> Sequence[DeliveryView]:
        """Newest first; of all alerts or of one."""
        return [
            DeliveryView(
                number=row["number"],
                receiver=row["receiver"],
                state=row["state"],
                attempts=row["attempts"],
                kind=row["event"].kind,
                told=row["event"].told,
                alert=row["alert"],
                outcome=row["outcome"],
                tried=datetime.fromisoformat(row["tried"]) if row["tried"] else None,
            )
            for row in self._book.deliveries(alert=alert, limit=limit)
        ]

    def attempts(self, delivery: int) -> Sequence[AttemptView]:
        """Every attempt of a delivery, oldest first."""
        rows = self._book.attempts(delivery)
        return [
            AttemptView(datetime.fromisoformat(row["at"]), row["seconds"], row["outcome"]) for row in rows
        ]

    def deliver_again(self, delivery: int) -> None:
        """Try one that was given up once more, at once. Raises NotFoundError."""
        self._book.again(delivery, time.time())
