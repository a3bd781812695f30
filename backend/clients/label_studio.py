"""Label Studio, as Goldloop uses it: raw JSON in and out, time-outs and typed errors throughout.

Over label-studio-sdk's connection; see LABEL_STUDIO.md for what was observed of the server.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from backend.clients.label_studio_connection import Connection
from backend.clients.label_studio_tabs import Tabs
from backend.clients.label_studio_wiring import Wiring
from backend.errors import LabelStudioError

TASKS_A_PAGE = 250
TASKS_AN_IMPORT = 500
PREDICTIONS_AN_IMPORT = 2000  # a request costs Label Studio a second by itself
IMPORT_TIMEOUT = 120.0  # seconds
EXPORT_TIMEOUT = 300.0  # seconds
SECONDS_A_DELETION = 0.02  # per prediction; 0.004 were seen on SQLite

ANNOTATED = {
    "filters": {
        "conjunction": "or",
        "items": [
            {"filter": f"filter:tasks:{count}", "operator": "greater", "type": "Number", "value": 0}
            for count in ("total_annotations", "cancelled_annotations")
        ],
    }
}


class LabelStudio:
    """The client of one Label Studio server.

    Raises LabelStudioError when a request is refused and LabelStudioDownError when trying again
    later may help. What creates (imports, submits) is never repeated by itself: after a
    LabelStudioDownError the thing may or may not be there, so ask before creating it again.
    """

    def __init__(self, url: str, api_key: str, *, timeout: float):
        self._connection = Connection(url, api_key, timeout=timeout)
        self.url = self._connection.url
        self.wiring = Wiring(self._connection)
        self.tabs = Tabs(self._connection)

    def check(self) -> None:
        """Return when the server is reachable and takes the token; raise otherwise."""
        self._call("GET", "api/current-user/whoami")

    # --- projects

    def create_project(
        self,
        title: str,
        label_config: str,
        *,
        description: str = "",
        sampling: str = "Uncertainty sampling",
    ) -> int:
        """Make a project that shows predictions to annotators; returns its number."""
        created = self._call(
            "POST",
            "api/projects/",
            body={
                "title": title[:50].ljust(3, "."),  # the server wants 3 to 50 characters
                "description": description,
                "label_config": label_config,
                "sampling": sampling,
                "show_collab_predictions": True,
                "enable_empty_annotation": True,
            },
        )
        return int(created["id"])

    def project(self, project_id: int) -> dict[str, Any]:
        """A project's settings and counts; LabelStudioError with status 404 when it is gone."""
        return _object(self._call("GET", f"api/projects/{project_id}/"))

    def update_project(self, project_id: int, **fields: Any) -> dict[str, Any]:
        """Change the given settings of a project."""
        return _object(self._call("PATCH", f"api/projects/{project_id}/", body=fields))

    def select_model_version(self, project_id: int, model_version: str) -> None:
        """Make one stored version the one that is shown and that orders the label stream."""
        self.update_project(project_id, model_version=model_version)

    def model_versions(self, project_id: int) -> dict[str, int]:
        """How many predictions are stored of each version."""
        found = self._call("GET", f"api/projects/{project_id}/model-versions/")
        return {str(version): int(count) for version, count in _object(found).items()}

    # --- tasks

    def import_tasks(self, project_id: int, tasks: Sequence[dict[str, Any]]) -> list[int]:
        """Store tasks (`{"data", "predictions"?, "annotations"?}`); their numbers in order.

        Not repeatable: look for `goldloop_id` in `tasks()` before sending a task again.
        """
        numbers: list[int] = []
        for chunk in _chunks(tasks, TASKS_AN_IMPORT):
            answer = self._call(
                "POST",
                f"api/projects/{project_id}/import",
                params={"return_task_ids": "true"},
                body=chunk,
            )
            made = [int(number) for number in answer.get("task_ids", [])]
            if len(made) != len(chunk):
                raise LabelStudioError(f"{len(chunk)} tasks were sent, {len(made)} were stored")
            numbers += made
        return numbers

    def tasks(self, project_id: int, *, annotated_only: bool = False) -> Iterator[dict[str, Any]]:
        """Every task with its annotations and predictions, raw, ascending by number.

        Pages are read one by one (about 2 ms a task); a task that is deleted meanwhile may hide
        another from the pages, so ask `task()` before calling one gone.
        """
        page, seen = 1, set()
        params: dict[str, Any] = {
            "project": project_id,
            "page_size": TASKS_A_PAGE,
            "fields": "all",
            "resolve_uri": "false",
        }
        if annotated_only:
            params["query"] = json.dumps(ANNOTATED)
        while True:
            answer = self._call("GET", "api/tasks/", params=params | {"page": page}, missing=True)
            if answer is None:
                if page == 1:
                    raise LabelStudioError(f"Label Studio has no project {project_id}", status=404)
                return  # the last page vanished while we read
            for task in answer["tasks"]:
                if task["id"] not in seen:
                    seen.add(task["id"])
                    yield task
            if len(answer["tasks"]) < TASKS_A_PAGE:
                return
            page += 1

    def task(self, task_id: int, *, project: int | None = None) -> dict[str, Any] | None:
        """A task with its annotations and predictions, None when it is deleted.

        On SQLite a deleted task's number is given to the next new one, in whichever project: with
        `project`, a task of another project is None too.
        """
        found = self._find(f"api/tasks/{task_id}/")
        return found if project is None or (found or {}).get("project") == project else None

    def reopen_task(self, task_id: int, data: Mapping[str, str] | None = None) -> bool:
        """Have a task answered by one more annotator than it was; False when it is gone.

        Who answered it already is not handed it again, but may change their answer. Some `data` may
        be added to the task's own.
        """
        task = self.task(task_id)
        if task is None:
            return False
        annotators = {json.dumps(one["completed_by"]) for one in task["annotations"]}
        overlap = max(task["overlap"], len(annotators) + 1)
        # the server counts at an answer only
        body: dict[str, Any] = {"overlap": overlap, "is_labeled": False}
        if data:
            body["data"] = {**task["data"], **data}
        self._call("PATCH", f"api/tasks/{task_id}/", body=body)
        return True

    def ask_several(self, task_id: int, annotators: int) -> bool:
        """Have an open task answered by so many annotators; False when it is gone."""
        body = {"overlap": annotators, "is_labeled": False}
        found = self._call("PATCH", f"api/tasks/{task_id}/", body=body, missing=True)
        return found is not None

    def delete_task(self, task_id: int) -> None:
        """Delete a task; one that is gone already counts as deleted."""
        self._call("DELETE", f"api/tasks/{task_id}/", missing=True)

    def next_task(self, project_id: int) -> dict[str, Any] | None:
        """What the label stream hands out next, None when nothing is left."""
        return self._find(f"api/projects/{project_id}/next/")

    # --- annotations

    def annotation(self, annotation_id: int, *, task: int | None = None) -> dict[str, Any] | None:
        """An annotation, None when it is deleted; with `task`, None when it is another task's."""
        found = self._find(f"api/annotations/{annotation_id}/")
        return found if task is None or (found or {}).get("task") == task else None

    def submit(
        self,
        task_id: int,
        result: Sequence[dict[str, Any]],
        *,
        lead_time: float | None = None,
        parent_prediction: int | None = None,
        was_cancelled: bool = False,
    ) -> dict[str, Any]:
        """Submit (or skip) a task as the token's user."""
        body = {
            "result": list(result),
            "lead_time": lead_time,
            "parent_prediction": parent_prediction,
            "was_cancelled": was_cancelled,
        }
        return _object(self._call("POST", f"api/tasks/{task_id}/annotations/", body=body))

    def update_annotation(self, annotation_id: int, **fields: Any) -> dict[str, Any]:
        """Change an annotation, e.g. its `result`."""
        return _object(self._call("PATCH", f"api/annotations/{annotation_id}/", body=fields))

    def delete_annotation(self, annotation_id: int) -> None:
        """Delete an annotation; one that is gone already counts as deleted."""
        self._call("DELETE", f"api/annotations/{annotation_id}/", missing=True)

    # --- predictions

    def import_predictions(self, project_id: int, predictions: Sequence[dict[str, Any]]) -> int:
        """Store predictions (`{"task", "result", "score", "model_version"}`); how many were made.

        Not repeatable: the same prediction sent twice is stored twice, see `prediction_tasks`.
        """
        created = 0
        for chunk in _chunks(predictions, PREDICTIONS_AN_IMPORT):
            path = f"api/projects/{project_id}/import/predictions"
            created += int(self._call("POST", path, body=chunk, timeout=IMPORT_TIMEOUT)["created"])
        return created

    def predictions(self, project_id: int, *, task_id: int | None = None) -> list[dict[str, Any]]:
        """Every stored prediction of a project, or of one task; the server gives them at once."""
        params = {"project": project_id} if task_id is None else {"task": task_id}
        timeout = EXPORT_TIMEOUT if task_id is None else 0
        found = self._call("GET", "api/predictions/", params=params, timeout=timeout)
        assert isinstance(found, list)
        return found

    def prediction(self, prediction_id: int) -> dict[str, Any] | None:
        """A stored prediction, None when it is deleted."""
        return self._find(f"api/predictions/{prediction_id}/")

    def prediction_tasks(self, project_id: int, model_version: str) -> list[int]:
        """The task of each stored prediction of a version; a task with two stands twice."""
        return [
            int(prediction["task"])
            for prediction in self.predictions(project_id)
            if prediction["model_version"] == model_version
        ]

    def delete_prediction(self, prediction_id: int) -> None:
        """Delete one prediction; one that is gone already counts as deleted."""
        self._call("DELETE", f"api/predictions/{prediction_id}/", missing=True)

    def delete_model_version(self, project_id: int, model_version: str) -> int:
        """Delete every stored prediction of a version; how many there were.

        Whoever opened a task with one of them cannot submit any more, and deleting the selected
        version stops pre-labelling: see LABEL_STUDIO.md section 4.
        """
        before = self.model_versions(project_id).get(model_version, 0)
        path = f"api/projects/{project_id}/model-versions/"
        long = before * SECONDS_A_DELETION
        self._call("DELETE", path, body={"model_version": model_version}, timeout=long)
        return before

    def drafts(self, project_id: int) -> dict[int, datetime]:
        """When the oldest unsubmitted work on a task began, anybody's, for each task with some.

        Only the export shows everybody's drafts; it reads the whole project.
        """
        params = {"exportType": "JSON", "download_all_tasks": "true"}
        path = f"api/projects/{project_id}/export"
        tasks = self._call("GET", path, params=params, timeout=EXPORT_TIMEOUT)
        began: dict[int, datetime] = {}
        for task in tasks:
            times = [
                datetime.fromisoformat(draft["created_at"].replace("Z", "+00:00"))
                for draft in task.get("drafts", ())
                if not draft.get("annotation")
            ]
            if times:
                began[int(task["id"])] = min(times)
        return began

    # --- people

    def users(self) -> list[dict[str, Any]]:
        """Every user of the server: `id`, `email`, names."""
        found = self._call("GET", "api/users/")
        assert isinstance(found, list)
        return found

    def _call(self, method: str, path: str, **options: Any) -> Any:
        return self._connection.call(method, path, **options)

    def _find(self, path: str) -> dict[str, Any] | None:
        found = self._call("GET", path, missing=True)
        return None if found is None else _object(found)


def _chunks(items: Sequence[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise LabelStudioError(f"expected a JSON object, got {type(answer).__name__}")
    return answer
