"""Keeps the playground's files and gives each its file_id.

A file_id may be sent again any number of times; it is bound to its kind, and a photo has one for each size.
"""

import asyncio
import hashlib
import mimetypes
import secrets
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from bot.playground.errors import Json, bad_request
from bot.playground.mp4 import Mp4, read_mp4
from bot.playground.photo_sizes import Jpeg, given_thumbnail, photo_sizes, thumbnail
from bot.playground.request_parameters import Upload
from bot.playground.sticker_files import sticker_sides
from bot.playground.store import Store

DOWNLOAD_MAX_BYTES = 20 * 1024 * 1024  # bytes of a file that a bot can fetch; Telegram's limit
UPLOAD_MAX_BYTES = 50 * 1024 * 1024  # bytes of a request of a bot; Telegram's limit
VIDEO_NOTE_MAX_S = 60  # s; Telegram's limit
VIDEO_NOTE_MAX_SIDE = 640  # pixels; Telegram's limit
_NAME_MAX = 60  # characters of a document's name; Telegram shortens longer ones too


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file. `described` is the Bot API's object for it; `sizes` are the file_ids of a photo's sizes."""

    file_id: str
    file_unique_id: str
    kind: str
    path: str
    size: int
    mime_type: str
    described: Json
    sizes: tuple[str, ...] = ()


class FileStore:
    """The files by their file_ids; `directory` holds their bytes, `store` the rest."""

    def __init__(self, directory: Path, store: Store) -> None:
        self.directory = directory
        self._store = store
        self._files = {stored.file_id: stored for stored in store.all("file", StoredFile)}
        self._count = len(self._files)

    def find(self, file_id: str) -> StoredFile:
        stored = self._files.get(file_id)
        if stored is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return stored

    def find_path(self, path: str) -> StoredFile | None:
        """Return the file with the path that getFile told, or None."""
        return next((stored for stored in self._files.values() if stored.path == path), None)

    def location(self, stored: StoredFile) -> Path:
        return self.directory / stored.path

    def of_kind(self, file_id: str, kind: str) -> StoredFile:
        """Return a file that is to be sent again; raises what Telegram answers to a wrong file_id."""
        if file_id.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content")
        stored = self.find(file_id)
        if stored.kind != kind:
            raise bad_request("type of file mismatch")
        return stored

    def photo_array(self, stored: StoredFile) -> list[Json]:
        """Return all sizes of a photo, as a message carries them."""
        return [self._files[file_id].described for file_id in stored.sizes]

    async def add_photo(self, upload: Upload, from_phone: bool = False) -> list[Json]:
        """Keep a photo and return its sizes, smallest first."""
        jpegs = await asyncio.to_thread(photo_sizes, upload.body, from_phone)
        sizes = [self._write("photo", jpeg.body, "jpg", "image/jpeg", _sides(jpeg)) for jpeg in jpegs]
        together = tuple(size.file_id for size in sizes)
        for size in sizes:
            self._remember(replace(size, sizes=together))
        return [size.described for size in sizes]

    async def add_video(self, upload: Upload, kind: str, given: Upload | None) -> StoredFile:
        """Keep a film as `kind` video or animation; raises 400 unless it is H.264 in an MP4 whose index comes first.

        The real service takes other films too, but shows them as files or only once they are downloaded whole.
        """
        film = _playable(upload)
        described: Json = {"width": film.width, "height": film.height, "duration": round(film.duration_s)}
        described |= _named_fields(upload, "video/mp4")
        described |= self._thumbnail(given_thumbnail(given.body) if given else None)
        return self._write(kind, upload.body, "mp4", "video/mp4", described)

    async def add_video_note(self, upload: Upload, given: Upload | None) -> StoredFile:
        """Keep a round film; raises 400 unless it is a square film of at most a minute.

        The real service takes other films too, but shows them as rectangular ones.
        """
        film = _playable(upload)
        if film.width != film.height or film.width > VIDEO_NOTE_MAX_SIDE:
            raise bad_request(f"not square, or above {VIDEO_NOTE_MAX_SIDE} pixels; phones would not show it round")
        if film.duration_s > VIDEO_NOTE_MAX_S:
            raise bad_request("longer than a minute; phones would not show it round")
        described: Json = {"length": film.width, "duration": round(film.duration_s)}
        described |= self._thumbnail(given_thumbnail(given.body) if given else None)
        return self._write("video_note", upload.body, "mp4", "video/mp4", described)

    def add_sticker(self, body: bytes, emoji: str = "", set_name: str = "") -> StoredFile:
        """Keep a static sticker, alone or in a set; raises 400 for what is none."""
        width, height = sticker_sides(body)
        described: Json = {"type": "regular", "width": width, "height": height}
        described |= {"is_animated": False, "is_video": False}
        described |= {name: value for name, value in (("emoji", emoji), ("set_name", set_name)) if value}
        return self._write("sticker", body, "webp", "image/webp", described)

    async def add_document(self, upload: Upload, given: Upload | None = None) -> StoredFile:
        """Keep any file as it is."""
        mime_type = _mime_type(upload)
        described = _named_fields(upload, mime_type)
        described |= self._thumbnail(given_thumbnail(given.body) if given else await _own_thumbnail(upload, mime_type))
        extension = PurePath(upload.name).suffix.lstrip(".") or "bin"
        return self._write("document", upload.body, extension, mime_type, described)

    def _thumbnail(self, picture: Jpeg | None) -> Json:
        """Keep a thumbnail and return the field for it; nothing where there is none."""
        if picture is None:
            return {}
        return {"thumbnail": self._write("thumbnail", picture.body, "jpg", "image/jpeg", _sides(picture)).described}

    def described_file(self, file_id: str) -> Json:
        """Return what getFile answers; raises 400 for a file that is too large to fetch."""
        stored = self.find(file_id)
        if stored.size > DOWNLOAD_MAX_BYTES:
            raise bad_request("file is too big")
        return {
            "file_id": stored.file_id,
            "file_unique_id": stored.file_unique_id,
            "file_size": stored.size,
            "file_path": stored.path,
        }

    def _write(self, kind: str, body: bytes, extension: str, mime_type: str, attributes: Json) -> StoredFile:
        self._count += 1
        safe = extension if extension.isalnum() and extension.isascii() else "bin"
        path = f"{kind}s/file_{self._count}.{safe.lower()}"
        target = self.directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        file_id = f"{kind[:2].upper()}{secrets.token_urlsafe(36)}"
        unique_id = hashlib.sha256(kind.encode() + body).hexdigest()[:16]
        described = {"file_id": file_id, "file_unique_id": unique_id, "file_size": len(body), **attributes}
        stored = StoredFile(file_id, unique_id, kind, path, len(body), mime_type, described)
        self._remember(stored)
        return stored

    def _remember(self, stored: StoredFile) -> None:
        self._files[stored.file_id] = stored
        self._store.put("file", stored.file_id, stored)


def _playable(upload: Upload) -> Mp4:
    film = read_mp4(upload.body)
    if film is None or not film.h264:
        raise bad_request("not an H.264 film in an MP4; phones would not play it")
    if not film.streamable:
        raise bad_request("the film's index comes after its pictures; phones could not stream it (+faststart)")
    return film


def _sides(jpeg: Jpeg) -> Json:
    return {"width": jpeg.width, "height": jpeg.height}


def _mime_type(upload: Upload) -> str:
    """Return the type that the name tells, as phones do, or else the one that the sender claims."""
    guessed, _ = mimetypes.guess_type(upload.name)
    return guessed or upload.mime_type or "application/octet-stream"


def _named_fields(upload: Upload, mime_type: str) -> Json:
    name = PurePath(upload.name).name
    described: Json = {"mime_type": mime_type}
    if name:
        stem, suffix = PurePath(name).stem, PurePath(name).suffix
        described["file_name"] = stem[: _NAME_MAX - len(suffix)] + suffix
    return described


async def _own_thumbnail(upload: Upload, mime_type: str) -> Jpeg | None:
    return await asyncio.to_thread(thumbnail, upload.body) if mime_type.startswith("image/") else None
