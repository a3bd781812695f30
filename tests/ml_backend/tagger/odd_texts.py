"""Texts on which offsets go wrong, to draw from: scripts, normal forms, what cannot be seen."""

import unicodedata

from hypothesis import strategies as st

ODD = [
    *"안정환을롯데는부산", *"나쓰메彭小军東京タワー漢字", *"abcdefINSTĀéßñ", *"0123½①…ﬁㄱㅏ",
    *"., ()'\"~/#@▁_-", " ", "  ", "\t", "\n", "\u3000", "\u00a0",
    "\u200b", "\u200d", "\ufeff", "\u00ad", "\x00", "\ufffd", "\ud800",
    "\u0301", "\u20dd", "ﾞ", "ｶ", "ᄀ", "ᅡ", "ᆨ", "İ", "Σ", "쀍", "𠮷", "👩‍🔬", "👨‍👩‍👧", "🇰🇷", "❤️",
    "##", "@@", "</w>", "안정환을 만났다", "The museum in Ålesund",
    unicodedata.normalize("NFD", "안정환을"), unicodedata.normalize("NFD", "café Å"),
    " " * 40,
]  # fmt: skip

odd_texts = st.lists(st.sampled_from(ODD), min_size=1, max_size=30).map("".join)
any_texts = st.text(min_size=1, max_size=40)


def composed_of(text: str) -> list[str]:
    """The text in NFC, NFD and as it is."""
    return [unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text), text]
