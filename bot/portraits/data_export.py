"""Everything stored about a person, as ZIP archives small enough for Telegram."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bot.portraits.engine_results import FILE_SUFFIXES
from engine import SNIFFED_BYTES, sniff
from storage import Pet, Portrait, Result, Storage

MAX_ARCHIVE_BYTES = 45 * 1024 * 1024  # bytes of content; Telegram takes 50 MB from a bot, and the ZIP adds its own

# Of picture formats whose name is not their suffix. Phones do not open files without one.
_PHOTO_SUFFIXES = {"JPEG": "jpg", "HEIF": "heic", "TIFF": "tif"}


@dataclass(frozen=True, slots=True)
class Archive:
    """The content of one archive: texts and files by their names in it."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def zipped(self) -> bytes:
        """Return the archive's bytes; files that were deleted meanwhile are left out."""
        out = io.BytesIO()
        # A clock that was wrong may have dated files before 1980, which ZIP cannot.
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
            for name, text in self.texts.items():
                archive.writestr(name, text)
            for name, path in self.files.items():
                if path.is_file():
                    archive.write(path, name, zipfile.ZIP_STORED)  # pictures and films are compressed already
        return out.getvalue()


async def archives_of(storage: Storage, owner: int, max_bytes: int = MAX_ARCHIVE_BYTES) -> list[Archive]:
    """Return a JSON of a person's rows, and every photo, picture and film once, in as few archives as possible.

    Files of one archive have at most `max_bytes` together. The JSON tells each file's name by its digest in the rows.
    """
    person, pets = await storage.people.get(owner), await storage.pets.of_owner(owner)
    portraits = await storage.portraits.of_owner(owner)
    results = {portrait.id: await storage.results.of(portrait.id) for portrait in portraits}
    names: dict[str, str] = {}  # by digest, as are the sizes
    sizes: dict[str, int] = {}
    for name, digest in _files(portraits, results, pets):
        path = storage.media.path(digest)
        with suppress(FileNotFoundError):  # deleted meanwhile
            if digest not in names:
                sizes[digest] = path.stat().st_size
                names[digest] = name if "." in name else f"{name}.{_suffix(path)}"
    rows = {
        "person": asdict(person) if person else None,
        "pets": [asdict(pet) for pet in pets],
        "portraits": [
            asdict(portrait)
            | {
                "failure": str(portrait.failure),
                "results": [asdict(result) for result in results[portrait.id]],
                "messages": await storage.messages.of(portrait.id),
                "album": [asdict(photo) for photo in await storage.albums.of(portrait.id)],
                "verdicts": await storage.verdicts.rows(portrait.id),
            }
            for portrait in portraits
        ],
        "sticker_packs": await storage.packs.names(owner),
        "portraits_by_day": await storage.usage.by_day(owner),
        "files": names,
    }
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    archives, size = [Archive(texts={"data.json": text})], len(text.encode())
    for digest, name in names.items():
        size += sizes[digest]
        if size > max_bytes:
            archives.append(Archive())
            size = sizes[digest]
        archives[-1].files[name] = storage.media.path(digest)
    return archives


def _files(portraits: list[Portrait], results: dict[int, list[Result]], pets: list[Pet]) -> Iterator[tuple[str, str]]:
    """Yield (name, digest) of all files, those people look at first; names of photos have no suffix."""
    for portrait in portraits:
        if portrait.photo:
            yield f"{portrait.id}/photo", portrait.photo
        if portrait.baby_photo:
            yield f"{portrait.id}/baby-photo", portrait.baby_photo
        for result in results[portrait.id]:
            if result.digest:
                yield f"{portrait.id}/{result.kind}-{result.age:.2f}.{FILE_SUFFIXES[result.kind]}", result.digest
    for pet in pets:
        if pet.baby_photo:
            yield f"pets/{pet.id}-baby", pet.baby_photo
    for portrait in portraits:
        for result in results[portrait.id]:
            if result.thumbnail:
                yield f"{portrait.id}/{result.kind}-{result.age:.2f}-thumbnail.jpg", result.thumbnail
    for portrait in portraits:
        if portrait.latent:
            yield f"{portrait.id}/latent.safetensors", portrait.latent


def _suffix(photo: Path) -> str:
    with photo.open("rb") as file:
        kind = sniff(file.read(SNIFFED_BYTES))
    return _PHOTO_SUFFIXES.get(kind, kind.lower()) if kind else "bin"  # it was sent as a picture, but is none
