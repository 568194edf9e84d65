import io

from PIL import Image


def jpeg(width: int = 640, height: int = 480) -> bytes:
    """A JPEG with something in it."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def webp(width: int = 512, height: int = 400) -> bytes:
    """A sticker: transparent, with something in it."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGBA").save(out, "WEBP")
    return out.getvalue()


def png(width: int = 512, height: int = 512) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (width, height), (200, 120, 40, 90)).save(out, "PNG")
    return out.getvalue()
