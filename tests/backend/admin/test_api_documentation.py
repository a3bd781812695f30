"""The API's documentation is a page of ours that tells every operation."""

from backend.api.rest.operations import OPERATIONS
from tests.backend.admin.conftest import SignIn


def test_every_operation_is_told_with_its_scope(sign_in: SignIn) -> None:
    page = sign_in("annotator").get("/api").text
    assert page.count('data-testid="operation"') == len(OPERATIONS)
    for one in OPERATIONS:
        told = page.split(f'id="{one.name}"')[1].split("</details>")[0]
        assert one.path in told
        assert "Scope" in told
    assert "<script" not in page.split("<main")[1].split("</main>")[0]
