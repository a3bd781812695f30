"""What a look at a connection found, in the reader's language; the English is the stage's own."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from backend.workflow.label_studio.connection_check import Part, Trouble

PARTS: dict[Part, LazyString] = {
    Part.ADDRESS: _l("Address"),
    Part.TOKEN: _l("Token"),
    Part.PROJECT: _l("Project in Label Studio"),
    Part.ML_BACKEND: _l("ML backend"),
    Part.HOOK: _l("Hook"),
}

WHAT_TO_DO: dict[Trouble, LazyString] = {
    Trouble.NO_ADDRESS: _l("No Label Studio is named: set LABEL_STUDIO_URL and start again."),
    Trouble.UNREACHABLE: _l(
        "Label Studio cannot be reached: see that it runs, and LABEL_STUDIO_URL."
    ),
    Trouble.NO_LABEL_STUDIO: _l("What answers there is no Label Studio: mend LABEL_STUDIO_URL."),
    Trouble.NO_TOKEN: _l("There is no token: set LABEL_STUDIO_API_KEY and start again."),
    Trouble.TOKEN_REFUSED: _l(
        "Label Studio refuses the token: make a personal access token there and set "
        "LABEL_STUDIO_API_KEY."
    ),
    Trouble.NOT_MADE: _l("The project has no side in Label Studio yet: connect it."),
    Trouble.PROJECT_GONE: _l("The project there is gone: connecting makes a new one."),
    Trouble.ONLY_ADOPTED: _l(
        "The project is only read from Label Studio: connect it to work there."
    ),
    Trouble.NOT_ATTACHED: _l("Our ML backend is not attached: connecting attaches it."),
    Trouble.ATTACHED_TWICE: _l("Our ML backend is attached more than once: connecting leaves one."),
    Trouble.ML_BACKEND_DOWN: _l(
        "The ML backend does not answer: start it, and see ML_BACKEND_URL."
    ),
    Trouble.LOOPBACK_BLOCKED: _l(
        "The ML backend answers us and not Label Studio, which blocks addresses of its own "
        "machine and network: start it with SSRF_PROTECTION_ENABLED=false and "
        "ML_BLOCK_LOCAL_IP=false."
    ),
    Trouble.ML_BACKEND_REFUSED: _l(
        "The ML backend answers us and not Label Studio: see that ML_BACKEND_URL is an address "
        "that Label Studio can reach."
    ),
    Trouble.NO_HOOK: _l("Label Studio tells us nothing: connecting makes the hook."),
    Trouble.HOOK_TWICE: _l(
        "Several hooks deliver each event more than once: connecting leaves one."
    ),
    Trouble.HOOK_ELSEWHERE: _l("The hook delivers to another address: connecting mends it."),
    Trouble.HOOK_OFF: _l("The hook is switched off: connecting switches it on."),
    Trouble.HOOK_SECRET: _l(
        "The hook has another secret, so that we refuse it: connecting mends it."
    ),
    Trouble.HOOK_SILENT: _l(
        "The hook is right and has never delivered anything: see that Label Studio can reach its "
        "address."
    ),
}
