"""Evidence by the API: everything that the page shows."""

from tests.backend.admin.evidence_data import add_evidence


def test_what_speaks_for_a_documents_suggestions(program, filled) -> None:
    number = add_evidence(filled)
    ask = program("curator")
    told = ask("GET", f"/projects/general/documents/{number}/evidence").json
    assert (told["document_id"], told["version"], told["next"]) == (number, "v3", None)
    name, city, *_rest = told["suggestions"]
    assert (name["text"], name["fate"]) == ("김철수", "rejected")
    assert name["rejected"]["kind"] == "relabelled"
    assert name["rejected"]["became"]["end"] == 3
    assert name["runner_up"]["probability"] == 0.012
    assert sum(name["labels"].values()) > 100
    assert len(name["examples"]) == 2
    assert (city["fate"], city["rejected"]["became"]) == ("rejected", None)
    rest = ask("GET", f"/projects/general/documents/{number}/evidence?after=0").json
    assert len(rest["suggestions"]) == 3
    assert ask("GET", "/projects/general/documents/999999/evidence").status_code == 404
