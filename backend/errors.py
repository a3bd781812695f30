"""The errors of the backend, as a tree.

GoldloopError
├── SettingsError            a setting is missing or wrong: says what to set
├── NotFoundError            no such project, version, document, account
├── ConflictError            the state forbids it: a run is active, nothing to publish
├── DatabaseBusyError        another has been writing for too long: worth another try
├── QueueDownError           Redis does not answer: worth another try
├── InvalidInputError        a file, form or configuration that cannot be read
├── TaggerError              the ML backend refused, or could not load a version
│   └── TaggerDownError          not reachable now: worth another try
└── LabelStudioError         Label Studio refused, or could not be reached
    └── LabelStudioDownError     not reachable or overloaded now: worth another try
"""


class GoldloopError(Exception):
    """Base of every error that a person may be shown; the message is a sentence."""


class SettingsError(GoldloopError):
    """A setting is missing or wrong; the message says what to set."""


class NotFoundError(GoldloopError):
    """The thing asked for does not exist."""

    def __init__(self, kind: str, name: object):
        self.kind, self.name = kind, name
        super().__init__(f"there is no {kind} {name!r}")


class ConflictError(GoldloopError):
    """The present state forbids what was asked."""


class DatabaseBusyError(GoldloopError, TimeoutError):
    """No turn to write within the time limit; trying again later may help."""


class QueueDownError(GoldloopError):
    """Redis does not answer; nothing is lost, but the queue cannot be looked at or changed."""


class InvalidInputError(GoldloopError):
    """Input that cannot be used; the message says where and why."""


class LabelStudioError(GoldloopError):
    """Label Studio refused a request; `status` is the HTTP status where there was one."""

    def __init__(self, message: str, *, status: int | None = None):
        self.status = status
        super().__init__(message)


class LabelStudioDownError(LabelStudioError):
    """Label Studio cannot be reached or is overloaded; trying again later may help."""


class TaggerError(GoldloopError):
    """The ML backend answered with an error, or could not load what it was asked to serve."""


class TaggerDownError(TaggerError):
    """The ML backend cannot be reached now; trying again later may help."""
