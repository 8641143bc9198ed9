"""What a Hugging Face Hub keeps: repositories as lists of commits, and blobs by hash. See tests/hub_on_loopback.py."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LFS_SUFFIXES = (".bin", ".onnx", ".parquet", ".pt", ".safetensors")
LFS_FROM_BYTES = 10 * 1024 * 1024
OUTAGE = "The Hub is out of order, as this test asked"


class HubError(Exception):
    """An answer other than success; `code` is the X-Error-Code that the client turns into an exception type."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        """Keep the pieces of the answer."""
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


@dataclass(frozen=True)
class StoredFile:
    """A file in a commit: `oid` is the sha256 of its content if it is an LFS file, else its git blob sha1."""

    oid: str
    size: int
    lfs: bool

    def tree_entry(self, path: str) -> dict[str, Any]:
        """Return the file as the tree and paths-info routes list it."""
        entry = {"type": "file", "path": path, "oid": self.oid, "size": self.size}
        return entry | ({"lfs": {"oid": self.oid, "size": self.size, "pointerSize": 130}} if self.lfs else {})

    def sibling(self, path: str) -> dict[str, Any]:
        """Return the file as the repository info lists it."""
        entry = {"rfilename": path, "size": self.size, "blobId": self.oid}
        return entry | ({"lfs": {"sha256": self.oid, "size": self.size, "pointerSize": 130}} if self.lfs else {})


@dataclass(frozen=True)
class Commit:
    """One revision of a repository: its sha and every file by path."""

    sha: str
    files: dict[str, StoredFile]


@dataclass
class Repo:
    """A repository (kind: model, dataset or space) and its commits, oldest first."""

    kind: str
    repo_id: str
    private: bool = False
    commits: list[Commit] = field(default_factory=list)

    def at(self, revision: str) -> Commit:
        """Return the commit at `main` or at a sha; raise the Hub's RevisionNotFound for anything else."""
        for commit in reversed(self.commits):
            if revision in ("main", commit.sha):
                return commit
        raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")

    def append(self, files: dict[str, StoredFile]) -> str:
        """Add a commit which holds `files` and return its sha, a hash over the content and the history."""
        history = [self.kind, self.repo_id, [commit.sha for commit in self.commits]]
        content = {path: file.oid for path, file in sorted(files.items())}
        self.commits.append(Commit(hashlib.sha1(json.dumps([history, content]).encode()).hexdigest(), files))
        return self.commits[-1].sha


class HubStore:
    """The repositories, and the ways in which a test may fill and spoil them."""

    def __init__(self) -> None:
        """Start with no repository."""
        self._repos: dict[tuple[str, str], Repo] = {}
        self._blobs: dict[str, bytes] = {}
        self._tampered: dict[str, bytes] = {}
        self._outages: dict[str | None, int] = {}
        self._only_token: str | None = None
        self._closed: set[str] = set()
        self._asks_payment = False
        self.collections: dict[str, dict[str, Any]] = {}

    def put_repo(self, repo_id: str, files: dict[str, bytes], kind: str = "model") -> str:
        """Commit `files` on top of the repository, creating it if need be; return the new revision."""
        repo = self._repos.setdefault((kind, repo_id), Repo(kind, repo_id))
        before = repo.commits[-1].files if repo.commits else {}
        return repo.append(before | {path: self._store(data, is_lfs(path, len(data))) for path, data in files.items()})

    def files(self, repo_id: str, revision: str = "main", kind: str = "model") -> dict[str, bytes]:
        """Return path -> content at `revision`, as committed: tampering does not show here."""
        return {path: self._blobs[file.oid] for path, file in self._repo(kind, repo_id).at(revision).files.items()}

    def replace(self, repo_id: str, path: str, data: bytes, kind: str = "model") -> None:
        """Serve `data` as the file from now on; its size, hash and revision still speak of the true content."""
        self._tampered[self._repo(kind, repo_id).at("main").files[path].oid] = data

    def truncate(self, repo_id: str, path: str, keep: int, kind: str = "model") -> None:
        """Serve only the first `keep` bytes of the file, as a download that broke off."""
        self.replace(repo_id, path, self.files(repo_id, kind=kind)[path][:keep], kind)

    def fail(self, status: int = 503, repo_id: str | None = None) -> None:
        """Answer every request, or those about one repository, with `status` until `recover`.

        The client repeats a file's HEAD five times over some 23 s on a 5xx (and when refused), repository info never.
        """
        self._outages[repo_id] = status

    def accept_only(self, token: str) -> None:
        """Answer 401 to any other token, be it for reading, as the Hub does."""
        self._only_token = token

    def close_namespace(self, owner: str) -> None:
        """Answer 403 to whoever writes below `owner`."""
        self._closed.add(owner)

    def ask_for_payment(self) -> None:
        """Answer 402 to whoever creates a Gradio Space on a CPU, as the Hub does without a paid plan."""
        self._asks_payment = True

    def recover(self) -> None:
        """Undo every `fail`, `replace`, `truncate`, `accept_only`, `close_namespace` and `ask_for_payment`."""
        self._asks_payment = False
        self._outages.clear()
        self._tampered.clear()
        self._only_token = None
        self._closed.clear()

    def _raise_outage(self, repo_id: str | None) -> None:
        if status := self._outages.get(repo_id):
            raise HubError(status, "", OUTAGE)

    def _repo(self, kind: str, repo_id: str) -> Repo:
        if repo := self._repos.get((kind, repo_id)):
            return repo
        raise HubError(404, "RepoNotFound", f"Repository not found: {repo_id}")

    def _store(self, data: bytes, lfs: bool) -> StoredFile:
        oid = hashlib.sha256(data).hexdigest() if lfs else git_blob_sha1(data)
        self._blobs[oid] = data
        return StoredFile(oid, len(data), lfs)


def is_lfs(path: str, size: int) -> bool:
    """Say whether the Hub would keep the file in LFS: by its suffix, or by its size in bytes."""
    return path.endswith(LFS_SUFFIXES) or size >= LFS_FROM_BYTES


def git_blob_sha1(data: bytes) -> str:
    """Return the hash by which git names a file's content (hex)."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def folders(files: dict[str, StoredFile]) -> set[str]:
    """Return every folder above one of the files."""
    return {str(parent) for path in files for parent in Path(path).parents} - {"."}


def directory_entry(path: str) -> dict[str, Any]:
    """Return a folder as the tree and paths-info routes list it."""
    return {"type": "directory", "path": path, "oid": git_blob_sha1(path.encode()), "size": 0}
