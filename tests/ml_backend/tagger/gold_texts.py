"""Generated texts with gold, for what is counted over them."""

from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet

LABELS = LabelSet(("PER", "LOC"))


@st.composite
def gold_texts(draw: st.DrawFn) -> tuple[list[str], list[list[Entity]]]:
    texts = draw(
        st.lists(st.text(alphabet="가나 다", min_size=1, max_size=8), min_size=2, max_size=5)
    )
    gold = []
    for text in texts:
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        gold.append([Entity(start, end, draw(st.sampled_from(tuple(LABELS))))])
    return texts, gold
