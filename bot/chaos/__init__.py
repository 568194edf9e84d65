"""`throwback bench chaos`: people act at random, everything around the bot fails at random, and nothing may be lost.

It is chaos engineering as the field knows it: an experiment injects faults, and afterwards invariants are checked.
"""
