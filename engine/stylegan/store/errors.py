"""What makes a file no network of ours."""


class Unfit(Exception):
    """Why a file is no network of ours. The words follow the file's name; both together make a `NetworkError`."""
