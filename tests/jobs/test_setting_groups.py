"""Settings that go together are arguments of what they are named after."""

import dataclasses
import inspect

import keras_classics as kc
from keras_classics.jobs.settings import flags_of


def arguments(function):
    return inspect.signature(function).parameters.keys()


def test_groups_are_arguments_of_what_they_are_for():
    translator, captioner = kc.jobs.TranslatorSettings(), kc.jobs.CaptionerSettings()
    translator.fill_units()
    searched = arguments(kc.models.translate) | arguments(kc.decoding.beam_search)
    assert translator.search().keys() <= searched
    for given, taker in [
        (translator.falling(10), kc.training.cosine_adam),
        (translator.numbering(), kc.data.make_vocabulary),
        (kc.jobs.RecurrentSettings().network(), kc.models.language_model),
        (captioner.encoding(), kc.models.picture_encoder),
        (captioner.search(), kc.models.caption),
        (kc.jobs.WritingSettings().writing(), kc.decoding.TextWriter),
    ]:
        assert given and given.keys() <= arguments(taker), taker
    kc.models.translator(9, 9, **{**translator.network(), "units": 4})


def test_units_follow_from_the_vocabulary_and_the_attention():
    settings = kc.jobs.TranslatorSettings(pairs=[["en", "fr"], ["fr", "nl"]], attention="none")
    settings.fill_units()
    assert settings.languages == ["en", "fr", "nl"]
    found = settings.vocabulary, settings.max_words, settings.min_count, settings.unknowns
    assert found == ("token", 50, 2, "ban")


def test_a_class_gives_other_defaults_and_keeps_the_flags():
    @dataclasses.dataclass(kw_only=True)
    class Mine(kc.jobs.WritingSettings, kc.jobs.RecurrentSettings, depth=3, epochs=7):
        seed: int = kc.jobs.flag(4)

    assert (Mine().depth, Mine().epochs, Mine().seed) == (3, 7, 4)
    assert (kc.jobs.RecurrentSettings().depth, kc.jobs.Settings().epochs) == (1, None)
    before = {each.field: each for each in flags_of(kc.jobs.RecurrentSettings)}
    for each in flags_of(Mine):
        if each.field in ("depth", "epochs"):
            shown = each.help.replace("default: 3", "default: 1").replace(" (default: 7)", "")
            assert dataclasses.replace(each, help=shown) == before[each.field]
