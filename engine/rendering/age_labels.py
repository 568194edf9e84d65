"""Say in a corner of a film how old the pet is."""

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw

from engine.images.ycbcr import Frame
from engine.messages import AgeWords
from engine.rendering.layers import FrameCanvas, Layer, planes_of
from engine.rendering.lettering import fitted
from engine.rendering.paper import INK, PRINT, rounded

_LETTERS = 0.052  # of the film's width, size of the letters
_CORNER = 0.035  # of it, from the label to the film's left and lower side
_PADDING = (0.9, 0.5)  # of the letters' size, from them to the label's sides
_OPACITY = 0.86
_FADE = 3  # frames over which one label becomes the next


class AgeLabels:
    """The words of the ages that have a name; where there are none, nothing is said."""

    def __init__(self, words: AgeWords) -> None:
        self._words = {age: word for age, word in words.items() if word}

    def nearest(self, age: float) -> str:
        """What the named age next to `age` is called."""
        return self._words[min(self._words, key=lambda one: abs(one.age - age))] if self._words else ""

    def over(self, frames: Iterator[Frame], ages: Sequence[float], width: int, height: int) -> Iterator[Frame]:
        """Yield frames of `width` x `height` px with the labels of their `ages`."""
        words = [self.nearest(age) for age in ages]
        layers = {word: label(word, width) for word in set(words) if word}
        before: tuple[Frame, str, float] | None = None
        labelled = None
        for index, frame in enumerate(frames):
            word, shown = words[index], share_seen(words, index)
            if labelled is None or before is None or before[0] is not frame or before[1:] != (word, shown):
                before, labelled = (frame, word, shown), frame
                if word:
                    labelled = _labelled(frame, layers[word], width, height, _OPACITY * shown)
            yield labelled


def _labelled(frame: Frame, word: Layer, width: int, height: int, opacity: float) -> Frame:
    canvas, corner = FrameCanvas(planes_of(frame, width, height)), round(_CORNER * width)
    canvas.paste(word, corner, height - corner - word.size[1], opacity)
    return canvas.frame()


def share_seen(words: Sequence[str], index: int) -> float:
    """How much of its label a frame shows: less near a change to another one."""
    around = range(max(0, index - _FADE), min(len(words), index + _FADE + 1))
    nearest = min((abs(one - index) for one in around if words[one] != words[index]), default=_FADE + 1)
    return nearest / (_FADE + 1)


def label(word: str, width: int) -> Layer:
    """A word on a slip of paper, for a film of `width` px."""
    size = max(16, round(_LETTERS * width))
    line = fitted(word, size, size // 2, width * 0.7)
    across, down = round(_PADDING[0] * line.size), round(_PADDING[1] * line.size)
    box = round(line.width) + 2 * across, line.size + 2 * down
    slip = Image.new("RGB", box, PRINT)
    line.draw(ImageDraw.Draw(slip), box[0] / 2, down + line.size * 0.82, INK)
    slip.putalpha(rounded(*box, box[1] // 2))
    return Layer.of(slip)
