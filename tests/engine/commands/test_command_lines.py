"""What the command lines offer is what their commands know."""

import argparse

from engine.commands.command_lines import PUBLISHED_NAMES, TEMPLATE_NAMES, add_network_arguments
from engine.stylegan.encoder_training import EncodingOptions
from engine.stylegan.store.pulling import PUBLISHED
from engine.vision.alignment import FaceTemplate


def test_names_and_defaults_are_those_of_the_engine() -> None:
    assert PUBLISHED_NAMES == PUBLISHED
    assert tuple(FaceTemplate) == TEMPLATE_NAMES
    parser = argparse.ArgumentParser()
    add_network_arguments(parser)
    args = parser.parse_args(["train-encoder", "afhqdog"])
    assert EncodingOptions(args.pictures, args.minutes) == EncodingOptions()
