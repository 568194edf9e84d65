"""Judges results by people's eyes, blind, and by the distance of distributions.

`judging.md` tells judges what to do. Every kind of judging has sheets, which show nothing of what is compared, and a
key, which lies beside their folder, not in it.
"""
