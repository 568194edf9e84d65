import io

from PIL import Image


def jpeg(width: int = 640, height: int = 480) -> bytes:
    """A JPEG with something in it."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG")
    return out.getvalue()
