"""Every labelling configuration is one that people can work with."""

import itertools
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from defusedxml import ElementTree

from backend.sample.lexicon import LABELS

FOLDER = Path(__file__).parent.parent / "annotation_configs"
NAMES = (
    "breast_cancer_emr",
    "cluener",
    "colorectal_cancer_emr",
    "general",
    "general_medical",
    "klue",
    "kmounlp",
)
# Label Studio itself listens to these: unselect and hide.
TAKEN = {"u", "h"}


def read(name: str) -> Element:
    root = ElementTree.parse(FOLDER / f"{name}.xml").getroot()
    assert root is not None
    return root


def labels(name: str) -> list[Element]:
    return list(read(name).iter("Label"))


def channels(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def contrasts(colour: str) -> tuple[float, float]:
    """With black and with white, by WCAG 2: from 1 (none) to 21; 4.5 is legible."""
    parts = [value / 255 for value in channels(colour)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05)


def test_the_folder_holds_these_configurations() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.xml")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_labels_a_text_by_the_character(name: str) -> None:
    root = read(name)
    (control,), (text,) = list(root.iter("Labels")), list(root.iter("Text"))
    assert control.attrib == {"name": "label", "toName": "text"}
    assert text.attrib == {
        "name": "text",
        "value": "$text",
        "granularity": "symbol",
        "showLabels": "true",
    }


@pytest.mark.parametrize("name", NAMES)
def test_labels_and_hotkeys_are_unique(name: str) -> None:
    values = [label.attrib["value"] for label in labels(name)]
    hotkeys = [label.attrib["hotkey"] for label in labels(name)]
    assert len(set(values)) == len(values) >= 6
    assert len(set(hotkeys)) == len(hotkeys)
    assert all(re.fullmatch("[0-9a-z]", key) for key in hotkeys)
    assert not TAKEN & set(hotkeys)


@pytest.mark.parametrize("name", NAMES)
def test_colours_are_legible_and_told_apart(name: str) -> None:
    colours = [label.attrib["background"] for label in labels(name)]
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in colours)
    # Label Studio writes a label's name in its colour, and on it
    assert min(min(contrasts(colour)) for colour in colours) >= 4.5
    for one, other in itertools.combinations(colours, 2):
        pairs = zip(channels(one), channels(other), strict=True)
        assert sum(abs(a - b) for a, b in pairs) >= 25, (one, other)


@pytest.mark.parametrize("name", ["general_medical", "breast_cancer_emr", "colorectal_cancer_emr"])
def test_a_clinical_configuration_has_a_dozen_classes_or_two(name: str) -> None:
    assert 12 <= len(labels(name)) <= 25


def test_general_has_the_classes_of_the_sample_corpus() -> None:
    assert tuple(label.attrib["value"] for label in labels("general")) == LABELS


def test_public_corpora_have_their_published_classes() -> None:
    published = {
        "kmounlp": "PER ORG NOH POH LOC DAT PNT MNY DUR TIM",
        "klue": "PS LC OG DT TI QT",
        "cluener": "name organization position company address game government scene book movie",
    }
    for name, values in published.items():
        assert {label.attrib["value"] for label in labels(name)} == set(values.split())
