"""Why a job failed, in a sentence for people; the log has the traceback."""

OURS = ("backend", "ml_backend")  # packages whose errors are sentences


def reason_of(error: Exception) -> str:
    """An error as a sentence: ours are sentences themselves."""
    return reason_from(type(error).__module__, type(error).__name__, str(error))


def reason_from(module: str, kind: str, sentence: str) -> str:
    """The same, from an error's parts."""
    if module.partition(".")[0] in OURS and sentence:
        return sentence
    told = f"{kind}: {sentence}" if sentence else kind
    return f"something unforeseen went wrong ({told}): the log says where"
