"""Log lines of the long-running processes: `key=value`, one line each, with the job's id."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

JOB_ID: ContextVar[str] = ContextVar("job_id", default="-")


class KeyValueFormatter(logging.Formatter):
    """`time=… level=… logger=… job=… event=…`; a library's prose becomes `message="…"`."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if not message.startswith("event="):
            message = f"message={json.dumps(message, ensure_ascii=False)}"
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = f"time={time} level={record.levelname} logger={record.name} job={JOB_ID.get()}"
        line = f"{head} {message}"
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return line


def set_up_logging(level: str) -> None:
    """Send everything from `level` on to standard error in that form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # each request to Label Studio is a line of theirs at INFO, and none of our business
    for chatty in ("httpx", "httpcore", "alembic.runtime"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
