"""The link from Label Studio's labelling page to our evidence for its pre-labels.

Instructions there are a project's, not a task's: they lead to the page that asks for the number of
the task, which the labelling page shows. The address of a task's own page is in its data, as
`goldloop_evidence`, for configurations that show it:

    <HyperText name="evidence" value="$goldloop_evidence" clickableLinks="true"/>
"""

import re
from html import escape

from backend.settings import Settings

EVIDENCE = "goldloop_evidence"  # the field of a task's data
SENTENCE = "Why this pre-label? Find it by task number · 사전 레이블의 근거 (작업 번호)"


def evidence_address(settings: Settings, key: str, document_id: int | None = None) -> str:
    """The page of evidence of a project, or of one of its documents."""
    page = f"{settings.public_url}/projects/{key}/evidence"
    return page if document_id is None else f"{page}/{document_id}"


def with_link(instructions: str, key: str, address: str) -> str:
    """A project's instructions (HTML) with our paragraph at their end, once.

    One to the same project at another address is replaced: we moved.
    """
    link = f'<p><a href="{escape(address)}" target="_blank" rel="noopener">{SENTENCE}</a></p>'
    path = re.escape(f"/projects/{key}/evidence")
    ours = re.compile(rf'\s*<p><a href="[^"]*{path}"[^>]*>[^<]*</a></p>')
    kept = ours.sub("", instructions).rstrip()
    return f"{kept}\n{link}" if kept else link
