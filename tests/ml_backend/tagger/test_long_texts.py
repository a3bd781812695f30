"""Memory stays bounded however long a text is."""

import subprocess
import sys
from pathlib import Path

from ml_backend.contract.model_store import ModelStore

# Peaks are those of a fresh process; what the shorter text needed is there already.
READ = """
import resource, sys
from pathlib import Path
from backend.sample.generate import generate
from ml_backend.tagger.predict import Tagger

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

tagger = Tagger.load(Path(sys.argv[1]))
line = " ".join(document.text for document in generate(20, seed=9))
for length in (10_000, 100_000):
    text = (line * (length // len(line) + 1))[:length]
    (found,) = tagger.predict([text])
    print(peak(), max(entity.end for entity in found.entities))
"""


def test_ten_times_the_text_needs_little_more_memory(tiny_model_store: ModelStore) -> None:
    folder = tiny_model_store.version_folder("tiny", "v1")
    done = subprocess.run(
        [sys.executable, "-c", READ, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
        cwd=Path(__file__).parents[3],
    )
    (short, _), (long, last) = (map(int, row.split()) for row in done.stdout.splitlines())
    assert last > 99_000
    assert long - short < 200, f"{short} MB for 10,000 characters, {long} MB for 100,000"
