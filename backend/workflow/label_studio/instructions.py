"""Label Studio's instructions: how to label, and the link to our evidence for pre-labels.

Instructions there are a project's, not a task's: they lead to the page that asks for the number of
the task, which the labelling page shows. The address of a task's own page is in its data, as
`goldloop_evidence`, for configurations that show it:

    <HyperText name="evidence" value="$goldloop_evidence" clickableLinks="true"/>
"""

import re
from html import escape

from backend.settings import Settings

_STEPS = (
    (
        "Coloured text is what the model suggests: correct what is wrong, delete what is none "
        "(Backspace), add what is missing.",
        "색칠된 부분은 모델의 제안입니다. 틀린 것은 고치고, 개체가 아니면 지우고(Backspace), "
        "빠진 것은 추가하세요.",
    ),
    (
        "To add, press the key beside a label, then mark the text. To change a label, select the "
        "coloured text, then press the key.",
        "추가하려면 레이블 옆의 키를 누르고 글자를 드래그하세요. 레이블을 바꾸려면 색칠된 부분을 "
        "선택하고 키를 누르세요.",
    ),
    (
        "Submit (Ctrl+Enter), a text without an entity too.",
        "제출(Ctrl+Enter)하세요. 개체가 없는 글도 제출합니다.",
    ),
)
# Label Studio takes away numbers and margins: they are written
GUIDE = "<p><strong>How to label · 주석 방법</strong></p><br>\n" + "\n".join(
    f"<p>{number}. {english}<br>{korean}</p><br>"
    for number, (english, korean) in enumerate(_STEPS, start=1)
)
"""The instructions of a project whose people have written none."""

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
