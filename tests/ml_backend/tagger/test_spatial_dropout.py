"""Features that a whole text has to do without, with either encoder."""

from pathlib import Path

import torch

from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.pretrained import CharacterFeatures, PretrainedEncoder
from ml_backend.tagger.encoders.spatial_dropout import SpatialDropout
from ml_backend.training.network import new_model
from tests.ml_backend.tagger.small_tokenizers import encoder_folder
from tests.ml_backend.training.small import options, ten_sentences

SHARE = 0.25


def test_whole_columns_of_a_text_are_dropped() -> None:
    torch.manual_seed(0)
    layer, states = SpatialDropout(SHARE), torch.ones(50, 7, 40)
    dropped = layer.train()(states)
    columns = dropped[:, 0]  # (texts, features)
    assert torch.equal(dropped, columns.unsqueeze(1).expand_as(dropped))
    assert set(columns.unique().tolist()) == {0.0, torch.tensor(1 / (1 - SHARE)).item()}
    assert abs(float((columns == 0).float().mean()) - SHARE) < 0.05
    assert len({tuple(text) for text in columns.tolist()}) == 50
    assert layer.eval()(states) is states


def test_the_option_reaches_the_encoder() -> None:
    for share in (0.0, SHARE):
        encoder = new_model(ten_sentences(), options(spatial_dropout=share)).encoder
        assert isinstance(encoder, BuiltinEncoder)
        assert encoder.spatial_dropout.share == encoder.to_dict()["spatial_dropout"] == share


def test_a_pretrained_encoder_has_it_too(tmp_path: Path) -> None:
    config = options(
        encoder=encoder_folder(tmp_path / "bert", "bert"), lexicon=False, spatial_dropout=SHARE
    )
    encoder = new_model(ten_sentences(), config).encoder
    assert isinstance(encoder, PretrainedEncoder)
    for part in encoder.modules():  # all other chance
        if isinstance(part, torch.nn.Dropout):
            part.p = 0.0
        elif isinstance(part, CharacterFeatures):
            part.symbol_dropout = 0.0
    batch = encoder.reader().read([one.text for one in ten_sentences().train[:2]])
    encoder.train()
    assert not torch.equal(encoder(batch), encoder(batch))
    encoder.spatial_dropout.share = 0.0
    assert torch.equal(encoder(batch), encoder(batch))
