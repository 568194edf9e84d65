"""The commands of `throwback`, one module each, with `add_arguments(parser)` and `run(args) -> int`.

A command that cannot go on raises `output.CommandError`; `bot.cli` prints it.
"""
