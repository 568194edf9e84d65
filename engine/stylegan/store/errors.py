"""What makes a file no network of ours."""

OFFICIAL = "look for the network in NVIDIA's format for PyTorch, a .pkl file of stylegan2-ada-pytorch"
"""What to do about a network in another format; ends a sentence."""


class Unfit(Exception):
    """Why a file is no network of ours. The words follow the file's name; both together make a `NetworkError`."""
