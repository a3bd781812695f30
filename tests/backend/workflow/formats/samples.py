"""A small file of each format: written where it can be, by hand where it is only read."""

import io
import json

from backend.workflow.formats.format import ExportDocument, WritableFormat
from backend.workflow.formats.registry import BY_NAME
from ml_backend.contract.entity import Entity

READ_ONLY = {
    "label-studio-min": json.dumps(
        [
            {
                "text": "김철수 씨",
                "label": [{"start": 0, "end": 3, "text": "김철수", "labels": ["PS"]}],
                "id": 4,
                "annotation_id": 9,
            }
        ]
    ),
    "prodigy": json.dumps(
        {
            "text": "이영희 씨",
            "tokens": [{"text": "이영희", "start": 0, "end": 3, "id": 0}],
            "spans": [{"start": 0, "end": 3, "label": "PS", "token_start": 0, "token_end": 0}],
            "answer": "accept",
        }
    ),
    "token-tags": json.dumps({"tokens": ["박민수", "씨"], "ner_tags": ["B-PS", "O"]}),
    "cluener": json.dumps({"text": "浙商银行", "label": {"LC": {"浙商银行": [[0, 3]]}}}),
    "kmounlp": "## 1\n## 최민 씨\n## <최민:PS> 씨\n최민\t최민\tNNP\tB-PS\n",
    "klp2016": "; 정우 씨\n$<정우:PS> 씨\n1\t정우\tNNP\tB_PS\n2\t씨\tNNB\tO\n",
    "klue": "## klue-ner-v1_dev_00000-wikitree\t<한:PS> 씨\n한\tB-PS\n \tO\n씨\tO\n",
    "naver": "1\t윤\tPER_B\n2\t씨\t-\n",
    "nersota": "조 씨␞<조:PS> 씨\n",
    "sentence-json": json.dumps(
        {
            "document": [
                {
                    "sentence": [
                        {
                            "id": "N.1",
                            "form": "장 씨",
                            "NE": [{"form": "장", "label": "PS", "begin": 0, "end": 1}],
                        }
                    ]
                }
            ]
        }
    ),
    "table": "id,text\nt1,임 씨\n",
    "text": "오 씨\n",
}


def sample(name: str) -> bytes:
    """One document in a format, with an entity (PS, PER for naver) where the format has any."""
    if name in READ_ONLY:
        return READ_ONLY[name].encode()
    format = BY_NAME[name]
    assert isinstance(format, WritableFormat)
    out = io.BytesIO()
    text = f"{name} 의 김철수 씨"
    start = text.index("김")
    entities = [Entity(start, start + 3, "PS")]
    assert all(loss.beside for loss in format.write([ExportDocument(name, text, entities)], out))
    return out.getvalue()
