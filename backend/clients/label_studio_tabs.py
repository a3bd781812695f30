"""Tabs of Label Studio's Data Manager, each showing the tasks of one batch."""

from typing import Any

from backend.clients.label_studio_connection import Connection, translated_errors

BATCH = "goldloop_batch"  # the field of a task's data that a tab filters by


class Tabs:
    """The tabs of the projects of one server; errors as in `LabelStudio`."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def titles(self, project_id: int) -> dict[int, str]:
        """The number of each tab of a project, and its title."""
        found = self._connection.call("GET", "api/dm/views/", params={"project": project_id})
        return {int(one["id"]): str((one.get("data") or {}).get("title", "")) for one in found}

    def ensure_batch(self, project_id: int, batch: int, title: str) -> int:
        """The number of the tab of this title, made if there is none: a batch as it was chosen.

        It must not be called by two at a time: both would make one.
        """
        for number, known in self.titles(project_id).items():
            if known == title:
                return number
        data: dict[str, Any] = {
            "title": title,
            "type": "list",
            "target": "tasks",
            "filters": {
                "conjunction": "and",
                "items": [
                    {
                        "filter": f"filter:tasks:data.{BATCH}",
                        "operator": "equal",
                        "type": "Number",
                        "value": batch,
                    }
                ],
            },
            "ordering": ["tasks:inner_id"],  # by score, an empty tab would answer 500
        }
        with translated_errors(self._connection.url):
            made = self._connection.sdk.views.create(project=project_id, data=data)
        assert made.id is not None
        return int(made.id)

    def delete(self, tab_id: int) -> None:
        """Delete a tab; one that is gone already counts as deleted."""
        self._connection.call("DELETE", f"api/dm/views/{tab_id}/", missing=True)
