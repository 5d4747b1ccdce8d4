"""The cassette: a session as one file, with all that it takes to play it again and nothing that is secret."""

import contextlib
import hashlib
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final, Self

import msgspec

from mlrcopilot_tui import __version__
from mlrcopilot_tui.errors import EnvironmentLackError, InputError
from mlrcopilot_tui.session.journal import JOURNAL_NAME
from mlrcopilot_tui.session.records import Record, decode_record

FORMAT: Final = 1
"""Raised when an older program could misread a newer cassette."""

KIND: Final = "mlrcopilot cassette"
MANIFEST: Final = "manifest.json"
BASE: Final = "base.bundle"
COMMITS: Final = "commits.json"
CONTRACT: Final = "mlrcopilot.toml"

_MANIFEST_BYTES: Final = 16 << 20
_CHUNK: Final = 1 << 20
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,90}"
_PART: Final = re.compile(rf"{_NAME}|(?:papers|exchanges)/{_NAME}|(?:runs|trials)/{_NAME}/{_NAME}")
"""The only names that parts may have: nothing of them can lead out of a folder."""


_UNREADABLE: Final = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive can raise; NotImplementedError is a RuntimeError."""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of a cassette has to be: its length and its SHA-256."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a cassette says of itself.

    Attributes:
        program: the version that wrote it.
        events: how many the journal has.
        live: whether the session was being written to; what is here is its beginning then.
        root: the workspace's folder, which sentences of the journal may name.
        shared: a digest over the shared inputs, which are not here.
    """

    kind: str
    format: int
    program: str
    session: str
    events: int
    live: bool
    root: str
    shared: str
    parts: Mapping[str, Part]


class _Envelope(msgspec.Struct):
    kind: str = ""
    format: int = 0


class SignedCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit of the session: what it holds, and who signed it when (as git's raw dates).

    A commit that holds the same and is signed the same has the same id.
    """

    id: str
    tree: str
    parents: tuple[str, ...]
    message: str
    author: tuple[str, str, str]
    committer: tuple[str, str, str]


class CassetteWriter:
    """Writes the parts of a cassette; the file appears whole or not at all. Use as a context manager.

    Args:
        target: the file.
        force: replace it where it is there.

    Raises:
        InputError: it is there already, or its folder is not.
    """

    def __init__(self, target: Path, *, force: bool = False) -> None:
        if target.exists() and not force:
            raise InputError(f"{target} exists already.", "Choose another name, or say --force.")
        if target.is_dir() or not target.parent.is_dir():
            raise InputError(f"{target} cannot be a file.", "Name a file in an existing folder.")
        self._target = target
        self._parts: dict[str, Part] = {}

    def __enter__(self) -> Self:
        with _writing(self._target):
            handle, name = tempfile.mkstemp(dir=self._target.parent, prefix=f".{self._target.name}-")
            self._aside = Path(name)
            self._file = os.fdopen(handle, "wb")
            self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()
        self._file.close()
        self._aside.unlink(missing_ok=True)

    def add(self, name: str, source: IO[bytes]) -> None:
        """Adds what `source` holds as the part `name`."""
        if not _PART.fullmatch(name) or name == MANIFEST or name in self._parts:
            raise ValueError(f"{name!r} is no name of a part")
        digest, size = hashlib.sha256(), 0
        with _writing(self._target), self._zip.open(name, "w", force_zip64=True) as part:
            while data := source.read(_CHUNK):
                digest.update(data)
                size += len(data)
                part.write(data)
        self._parts[name] = Part(bytes=size, sha256=digest.hexdigest())

    def finish(self, *, session: str, events: int, live: bool, root: str, shared: str) -> Manifest:
        """Writes what the cassette says of itself, and puts the file in its place."""
        manifest = Manifest(
            kind=KIND,
            format=FORMAT,
            program=__version__,
            session=session,
            events=events,
            live=live,
            root=root,
            shared=shared,
            parts=self._parts,
        )
        with _writing(self._target):
            self._zip.writestr(MANIFEST, msgspec.json.encode(manifest))
            self._zip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._aside.replace(self._target)
        return manifest


@contextlib.contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EnvironmentLackError(
            f"{target} cannot be written: {error.strerror}.", "Free space there, or choose another folder."
        ) from error


class Cassette:
    """A cassette opened for reading. Use as a context manager.

    Raises:
        InputError: the file is absent, no cassette, a newer one, or damaged; the sentence says which.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._zip = zipfile.ZipFile(self._path)
        except FileNotFoundError:
            raise InputError(f"{self._path} is not there.", "Name a file that `mlrcopilot export` wrote.") from None
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise self._no_cassette() from error
        try:
            self.manifest = self._read_manifest()
            self._check_names()
        except BaseException:
            self._zip.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self, prefix: str = "") -> list[str]:
        """The names of the parts that begin with `prefix`."""
        return [name for name in self.manifest.parts if name.startswith(prefix)]

    def read(self, name: str) -> bytes:
        """A part's bytes.

        Raises:
            InputError: it is absent, or not what the manifest says.
        """
        chunks: list[bytes] = []
        self._pass_on(name, chunks.append)
        return b"".join(chunks)

    def extract(self, name: str, target: Path) -> None:
        """Puts a part into a new file that only its owner may read."""
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            self._pass_on(name, file.write)

    def records(self) -> list[Record]:
        """The session's events."""
        try:
            records = [decode_record(line) for line in self.read(JOURNAL_NAME).split(b"\n")[:-1]]
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._damaged(JOURNAL_NAME) from error
        if [record.seq for record in records] != list(range(1, self.manifest.events + 1)):
            raise self._damaged(JOURNAL_NAME)
        return records

    def commits(self) -> list[SignedCommit]:
        """The session's commits."""
        try:
            return msgspec.json.decode(self.read(COMMITS), type=list[SignedCommit])
        except msgspec.MsgspecError as error:
            raise self._damaged(COMMITS) from error

    def check(self) -> None:
        """Reads all of it once, so that nothing is begun with what turns out to be damaged."""
        for name in self.manifest.parts:
            self._pass_on(name, lambda _: None)

    def _read_manifest(self) -> Manifest:
        try:
            info = self._zip.getinfo(MANIFEST)
            if info.file_size > _MANIFEST_BYTES:
                raise self._no_cassette()
            data = self._zip.read(info)
            told = msgspec.json.decode(data, type=_Envelope)
            if told.kind != KIND:
                raise self._no_cassette()
            if told.format > FORMAT:
                raise InputError(
                    f"{self._path} was written by a newer mlrcopilot.", "Upgrade: `pip install -U mlrcopilot`."
                )
            return msgspec.json.decode(data, type=Manifest)
        except (KeyError, msgspec.MsgspecError, *_UNREADABLE) as error:
            raise self._no_cassette() from error

    def _check_names(self) -> None:
        found = self._zip.namelist()
        odd = [name for name in (*found, *self.manifest.parts) if not _PART.fullmatch(name)]
        if odd:
            raise InputError(f"{self._path} holds a part with a name that no cassette has: {odd[0][:60]!r}.")
        if sorted(found) != sorted([MANIFEST, *self.manifest.parts]):
            raise InputError(f"{self._path} does not hold the parts that it says.", "Export the session again.")
        if missing := {JOURNAL_NAME, BASE, COMMITS, CONTRACT} - set(found):
            raise self._damaged(min(missing))

    def _pass_on(self, name: str, take: Callable[[bytes], object]) -> None:
        """Gives a part away chunk by chunk; never more of it than the manifest says."""
        said = self.manifest.parts.get(name)
        if said is None:
            raise self._damaged(name)
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(name) as part:
                while size <= said.bytes and (data := part.read(_CHUNK)):
                    size += len(data)
                    digest.update(data)
                    take(data)
        except _UNREADABLE as error:
            raise self._damaged(name) from error
        if (size, digest.hexdigest()) != (said.bytes, said.sha256):
            raise self._damaged(name)

    def _no_cassette(self) -> InputError:
        return InputError(
            f"{self._path} is not a cassette, or only a part of one.", "Name a file that `mlrcopilot export` wrote."
        )

    def _damaged(self, name: str) -> InputError:
        return InputError(f"{self._path} is damaged: its {name} is not what was recorded.", "Export the session again.")
