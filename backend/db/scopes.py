"""What an API token may be allowed, and the role that each of it asks for."""

from enum import StrEnum

from backend.db.tables import Role

ROLES = (Role.ANNOTATOR, Role.CURATOR, Role.ADMINISTRATOR)  # each includes those before it


class Scope(StrEnum):
    """One kind of thing that a program may do."""

    PROJECTS_READ = "projects:read"
    SETTINGS_READ = "settings:read"
    MODELS_READ = "models:read"
    GOLD_READ = "gold:read"
    GOLD_WRITE = "gold:write"
    MODELS_WRITE = "models:write"
    RELEASES_WRITE = "releases:write"
    SETTINGS_WRITE = "settings:write"
    CONNECTIONS_WRITE = "connections:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"


ROLE_OF_SCOPE = {
    Scope.PROJECTS_READ: Role.ANNOTATOR,
    Scope.SETTINGS_READ: Role.CURATOR,
    Scope.MODELS_READ: Role.CURATOR,
    Scope.GOLD_READ: Role.CURATOR,
    Scope.GOLD_WRITE: Role.CURATOR,
    Scope.MODELS_WRITE: Role.CURATOR,
    Scope.RELEASES_WRITE: Role.CURATOR,
    Scope.SETTINGS_WRITE: Role.CURATOR,
    Scope.CONNECTIONS_WRITE: Role.ADMINISTRATOR,
    Scope.ACCOUNTS_READ: Role.ADMINISTRATOR,
    Scope.ACCOUNTS_WRITE: Role.ADMINISTRATOR,
}

WHAT_SCOPES_ALLOW = {
    Scope.PROJECTS_READ: "see projects and one's own figures",
    Scope.SETTINGS_READ: "see a project's settings, members and connection, and the jobs",
    Scope.MODELS_READ: "see how projects stand, their runs and versions",
    Scope.GOLD_READ: "see documents, gold, labels, conflicts, autolabels and releases",
    Scope.GOLD_WRITE: (
        "import documents, compare with Label Studio, change labels, decide conflicts, autolabels "
        "and errors"
    ),
    Scope.MODELS_WRITE: "train, cancel, promote, roll back and autolabel",
    Scope.RELEASES_WRITE: "make releases",
    Scope.SETTINGS_WRITE: "change a project's settings and members",
    Scope.CONNECTIONS_WRITE: "make projects and connect them with Label Studio",
    Scope.ACCOUNTS_READ: "see accounts, tokens and the audit log",
    Scope.ACCOUNTS_WRITE: "add accounts, give roles, make and revoke tokens",
}


def allowed_scopes(role: str) -> frozenset[Scope]:
    """The scopes whose role this one includes."""
    reach = ROLES.index(Role(role))
    return frozenset(scope for scope in Scope if ROLES.index(ROLE_OF_SCOPE[scope]) <= reach)
