"""What a Label Studio project calls of ours: its ML backend and its webhook, each exactly once."""

from typing import Any
from urllib.parse import urlsplit

from backend.clients.label_studio_connection import Connection, translated_errors

WEBHOOK_ACTIONS = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
    "TASKS_CREATED",
    "TASKS_DELETED",
    "PROJECT_UPDATED",
)


class Wiring:
    """ML backends and webhooks of the projects of one server; errors as in `LabelStudio`."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def ml_backends(self, project_id: int) -> list[dict[str, Any]]:
        """The attached ML backends; asking makes the server call health and setup of each."""
        found = self._connection.call("GET", "api/ml/", params={"project": project_id})
        assert isinstance(found, list)
        return found

    def attach_ml_backend(
        self, project_id: int, *, title: str, url: str, user: str, password: str
    ) -> int:
        """Attach the ML backend of this title, or bring the attached one up to date; its number.

        The server calls health and setup and refuses what does not answer. A refused creation may
        leave a row behind (it does): the next call finds it by its title. Rows that share the
        title are removed.
        """
        fields: dict[str, Any] = {
            "project": project_id,
            "title": title,
            "url": url,
            "auth_method": "BASIC_AUTH" if user else "NONE",
            "timeout": 100,
        }
        if user:
            fields |= {"basic_auth_user": user, "basic_auth_pass": password}
        ours = [found for found in self.ml_backends(project_id) if found["title"] == title]
        for double in ours[1:]:
            self._connection.call("DELETE", f"api/ml/{double['id']}", missing=True)
        if not ours:
            return int(self._connection.call("POST", "api/ml/", body=fields)["id"])
        self._connection.call("PATCH", f"api/ml/{ours[0]['id']}", body=fields)
        return int(ours[0]["id"])

    def webhooks(self, project_id: int) -> list[dict[str, Any]]:
        """The hooks of a project, with their headers: a secret is in ours."""
        with translated_errors(self._connection.url):
            found = self._connection.sdk.webhooks.list(
                project=str(project_id), request_options={"max_retries": 2}
            )
        return [hook.model_dump() for hook in found if hook.project == project_id]

    def ensure_one_webhook(self, project_id: int, *, url: str, secret: str) -> int:
        """Leave exactly one hook of ours, with our secret; returns its number.

        Removed are: second hooks to `url`, hooks to the same path on another host or port (we
        moved), and those that attaching our ML backend made (`…/p/KEY/webhook`, without any
        credentials). Hooks to other people's addresses are none of our business.
        """
        fields = {
            "url": url,
            "headers": {"Authorization": f"Bearer {secret}"},
            "actions": list(WEBHOOK_ACTIONS),
            "send_for_all_actions": False,
            "send_payload": True,
            "is_active": True,
        }
        ours = sorted(
            (hook for hook in self.webhooks(project_id) if is_our_hook(hook["url"], url)),
            key=lambda hook: (hook["url"] != url, hook["id"]),
        )
        hooks = self._connection.sdk.webhooks
        with translated_errors(self._connection.url):
            if ours and ours[0]["url"] == url:
                number = int(ours.pop(0)["id"])
                self._connection.call("PATCH", f"api/webhooks/{number}/", body=fields)
            else:
                made = hooks.create(project=project_id, **fields)
                assert made.id is not None
                number = made.id
        for hook in ours:
            self._connection.call("DELETE", f"api/webhooks/{hook['id']}/", missing=True)
        return number


def is_our_hook(hook_url: str, url: str) -> bool:
    """Whether a hook is ours: to `url`'s path on any host, or to our ML backend's `/p/KEY/webhook`.

    `url` is `…/webhooks/KEY`.
    """
    path = urlsplit(url).path.rstrip("/")
    key = path.rsplit("/", 1)[-1]
    hook_path = urlsplit(hook_url).path.rstrip("/")
    return hook_path.endswith((f"/webhooks/{key}", f"/p/{key}/webhook")) or hook_path == path
