"""A Hugging Face Hub in memory, served on 127.0.0.1: tests speak to the real client and never to the network.

    with HubOnLoopback() as hub:
        revision = hub.put_repo("someone/net", {"config.json": b"{}"})
        subprocess.run([...], env=hub.client_environment(tmp_path))

It answers what `huggingface_hub` and `datasets` ask when they create, fill and read model, dataset and Space
repositories, LFS included (https://huggingface.co/docs/hub/api). Run clients in a subprocess, since huggingface_hub
reads HF_ENDPOINT when it is imported, or pass `endpoint=hub.endpoint` to `HfApi` and its kin. Writing needs a token,
any token unless a test says which (`accept_only`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.support.hub_store import (
    Commit,
    HubError,
    HubStore,
    Repo,
    StoredFile,
    directory_entry,
    folders,
    is_lfs,
)

USER = "tester"
URL_PREFIX = {"model": "", "dataset": "datasets/", "space": "spaces/"}
SOME_DATE = "2026-01-01T00:00:00.000Z"
SOME_ID = "0" * 24
Answer = Callable[[Request], Awaitable[Response]]


class HubOnLoopback(HubStore):
    """The Hub: a context manager that serves on a free port while it is open; inherits the store's test controls.

    Attributes: `endpoint`, the URL without a trailing slash; `requests`, every "METHOD /path" answered so far.
    """

    def __init__(self) -> None:
        """Take a port; nothing is answered before `__enter__`."""
        super().__init__()
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self._app(), log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), daemon=True)

    def __enter__(self) -> HubOnLoopback:
        """Start serving; a client that connects before the loop runs waits in the kernel's queue."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop serving; from here on clients are refused."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()
        self._listener.close()

    def client_environment(self, home: Path) -> dict[str, str]:
        """Return os.environ changed so that a subprocess speaks to this Hub only and caches below `home`."""
        off = ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_PROGRESS_BARS")
        direct = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGING"))}
        return kept | direct | dict.fromkeys(off, "1") | {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(home)}

    def _app(self) -> Starlette:
        repo, pages = "/api/{kinds}/{owner}/{name}", ("/{owner}/{name}", "/{kinds}/{owner}/{name}")
        table: list[tuple[str, str, Answer]] = [
            ("GET", "/api/whoami-v2", self._whoami),
            ("POST", "/api/validate-yaml", self._validate_yaml),
            ("POST", "/api/repos/create", self._create),
            ("POST", "/api/collections", self._create_collection),
            ("GET", "/api/collections/{owner}/{name}", self._collection),
            ("POST", "/api/collections/{owner}/{name}/items", self._add_to_collection),
            ("GET", repo, self._info),
            ("GET", repo + "/revision/{revision}", self._info),
            ("GET", repo + "/refs", self._refs),
            ("GET", repo + "/tree/{revision}", self._tree),
            ("GET", repo + "/tree/{revision}/{path:path}", self._tree),
            ("POST", repo + "/paths-info/{revision}", self._paths_info),
            ("POST", repo + "/preupload/{revision}", self._preupload),
            ("POST", repo + "/commit/{revision}", self._commit),
            ("PUT", "/lfs-storage/{oid}", self._lfs_put),
            *[("POST", page + ".git/info/lfs/objects/batch", self._lfs_batch) for page in pages],
            *[("GET", page + "/resolve/{revision}/{path:path}", self._resolve) for page in pages],
        ]
        routes = [Route(path, self._guarded(answer), methods=[method]) for method, path, answer in table]
        return Starlette(routes=[*routes, Route("/{path:path}", self._guarded(self._no_route))])

    def _guarded(self, answer: Answer) -> Answer:
        async def guarded(request: Request) -> Response:
            self.requests.append(f"{request.method} {request.url.path}")
            try:
                self._raise_outage(None)
                self._check_token(request)
                return await answer(request)
            except HubError as error:
                headers = {"X-Error-Code": error.code, "X-Error-Message": error.message} if error.code else {}
                return JSONResponse({"error": error.message}, error.status, headers | error.headers)

        return guarded

    async def _no_route(self, request: Request) -> Response:
        raise HubError(404, "NotFound", f"No such route: {request.method} {request.url.path}")

    async def _whoami(self, request: Request) -> Response:
        self._demand_token(request)
        token = {"displayName": "any", "role": "write"}
        account = {"type": "user", "id": SOME_ID, "name": USER, "fullname": USER, "orgs": []}
        return JSONResponse(account | {"auth": {"type": "access_token", "accessToken": token}})

    async def _validate_yaml(self, request: Request) -> Response:
        header = re.match(r"---\n(.*?)\n---\n", (await request.json())["content"], re.DOTALL)
        if header is None:
            return JSONResponse(
                {"warnings": [{"message": "empty or missing yaml metadata in repo card"}], "errors": []}
            )
        try:
            yaml.safe_load(header[1])
        except yaml.YAMLError as error:
            return JSONResponse({"warnings": [], "errors": [{"message": str(error)}]}, 400)
        return JSONResponse({"warnings": [], "errors": []})

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        owner = body.get("organization") or USER
        self._demand_token(request, owner)
        kind, repo_id = body.get("type") or "model", f"{owner}/{body['name']}"
        url = f"{self.endpoint}/{URL_PREFIX[kind]}{repo_id}"
        if self._asks_payment and body.get("sdk") == "gradio" and not str(body.get("hardware")).startswith("zero"):
            raise refusal(402, "A subscription is required to create a Gradio Space on cpu-basic")
        if (kind, repo_id) in self._repos:
            return JSONResponse({"error": "You already created this repo", "url": url}, 409)
        self._repos[kind, repo_id] = Repo(kind, repo_id, body.get("visibility") == "private")
        self.put_repo(repo_id, {".gitattributes": b"*.onnx filter=lfs diff=lfs merge=lfs -text\n"}, kind)
        return JSONResponse({"url": url, "name": repo_id, "id": SOME_ID})

    async def _create_collection(self, request: Request) -> Response:
        body = await request.json()
        self._demand_token(request, body["namespace"])
        slug = f"{body['namespace']}/{re.sub('[^a-z]+', '-', body['title'].lower())}-{SOME_ID}"
        if slug in self.collections:
            return JSONResponse({"slug": slug}, 409)
        self.collections[slug] = {
            **{"slug": slug, "title": body["title"], "owner": body["namespace"], "description": body["description"]},
            **{"items": [], "lastUpdated": SOME_DATE, "position": 0, "theme": "green", "upvotes": 0},
            "private": body["private"],
        }
        return JSONResponse(self.collections[slug])

    async def _collection(self, request: Request) -> Response:
        return JSONResponse(self.collections[f"{request.path_params['owner']}/{request.path_params['name']}"])

    async def _add_to_collection(self, request: Request) -> Response:
        self._demand_token(request, request.path_params["owner"])
        found = self.collections[f"{request.path_params['owner']}/{request.path_params['name']}"]
        item = (await request.json())["item"]
        if item["id"] in [known["id"] for known in found["items"]]:
            return JSONResponse({"error": "Already in the collection"}, 409)
        self._repo(item["type"], item["id"])
        place = {"_id": SOME_ID, "position": len(found["items"]), "note": None}
        found["items"].append({"id": item["id"], "repoType": item["type"], "type": item["type"], **place})
        return JSONResponse(found)

    async def _info(self, request: Request) -> Response:
        repo, commit = self._asked(request)
        states = {"private": repo.private, "disabled": False, "gated": False, "downloads": 0, "likes": 0, "tags": []}
        dates = {"lastModified": SOME_DATE, "createdAt": SOME_DATE}
        names = {"_id": SOME_ID, "id": repo.repo_id, "modelId": repo.repo_id, "author": request.path_params["owner"]}
        siblings = [file.sibling(path) for path, file in sorted(commit.files.items())]
        return JSONResponse(names | {"sha": commit.sha} | states | dates | {"siblings": siblings})

    async def _refs(self, request: Request) -> Response:
        _, commit = self._asked(request)
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": commit.sha}
        return JSONResponse({"branches": [main], "tags": [], "converts": []})

    async def _tree(self, request: Request) -> Response:
        _, commit = self._asked(request)
        top = request.path_params.get("path", "").strip("/")
        prefix = top + "/" if top else ""
        below = {path: file for path, file in commit.files.items() if path.startswith(prefix)}
        if not below:
            raise HubError(404, "EntryNotFound", f"{top} does not exist on this revision")
        entries = [directory_entry(folder) for folder in sorted(folders(below)) if folder.startswith(prefix)]
        entries += [file.tree_entry(path) for path, file in sorted(below.items())]
        if request.query_params.get("recursive", "").lower() not in ("1", "true"):
            entries = [entry for entry in entries if "/" not in entry["path"][len(prefix) :]]
        return JSONResponse(entries)

    async def _paths_info(self, request: Request) -> Response:
        _, commit = self._asked(request)
        is_json = "json" in request.headers.get("content-type", "")
        paths = (await request.json())["paths"] if is_json else list(map(str, (await request.form()).getlist("paths")))
        found = [commit.files[path].tree_entry(path) for path in paths if path in commit.files]
        return JSONResponse(found + [directory_entry(path) for path in paths if path in folders(commit.files)])

    async def _preupload(self, request: Request) -> Response:
        self._demand_token(request, request.path_params["owner"])
        _, commit = self._asked(request)
        answers = []
        for wanted in (await request.json())["files"]:
            path, known = wanted["path"], commit.files.get(wanted["path"])
            mode = "lfs" if is_lfs(path, wanted["size"]) else "regular"
            answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": known and known.oid})
        return JSONResponse({"files": answers})

    async def _lfs_batch(self, request: Request) -> Response:
        self._demand_token(request, request.path_params["owner"])
        self._asked(request, "main")
        answers = []
        for wanted in (await request.json())["objects"]:
            upload = {"upload": {"href": f"{self.endpoint}/lfs-storage/{wanted['oid']}"}}
            answers.append(wanted | ({} if wanted["oid"] in self._blobs else {"actions": upload}))
        return JSONResponse({"transfer": "basic", "objects": answers}, media_type="application/vnd.git-lfs+json")

    async def _lfs_put(self, request: Request) -> Response:
        data = await request.body()
        if hashlib.sha256(data).hexdigest() != request.path_params["oid"]:
            raise HubError(400, "BadRequest", "The uploaded bytes do not have the promised hash")
        self._store(data, lfs=True)
        return Response()

    async def _commit(self, request: Request) -> Response:
        self._demand_token(request, request.path_params["owner"])
        repo, commit = self._asked(request)
        files = dict(commit.files)
        for line in (await request.body()).splitlines():
            step = json.loads(line)
            value = step["value"]
            if step["key"] == "file":
                files[value["path"]] = self._store(base64.b64decode(value["content"]), lfs=False)
            elif step["key"] == "lfsFile":
                if value["oid"] not in self._blobs:
                    raise HubError(400, "BadRequest", f"{value['path']}: its LFS object was never uploaded")
                files[value["path"]] = StoredFile(value["oid"], len(self._blobs[value["oid"]]), lfs=True)
            elif step["key"] == "deletedFile":
                files.pop(value["path"], None)
            elif step["key"] == "deletedFolder":
                files = {path: file for path, file in files.items() if not path.startswith(value["path"] + "/")}
        sha = repo.append(files)
        url = f"{self.endpoint}/{URL_PREFIX[repo.kind]}{repo.repo_id}/commit/{sha}"
        return JSONResponse({"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""})

    async def _resolve(self, request: Request) -> Response:
        _, commit = self._asked(request)
        path, headers = request.path_params["path"], {"X-Repo-Commit": commit.sha, "Accept-Ranges": "bytes"}
        file = commit.files.get(path)
        if file is None:
            raise HubError(404, "EntryNotFound", f"Entry not found: {path}", headers)
        data, status = self._tampered.get(file.oid, self._blobs[file.oid]), 200
        headers["ETag"] = f'"{file.oid}"'
        if file.lfs:
            headers |= {"X-Linked-ETag": f'"{file.oid}"', "X-Linked-Size": str(file.size)}
        if wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", "")):
            first, last = int(wanted[1]), min(int(wanted[2] or file.size - 1), file.size - 1)
            headers["Content-Range"], status = f"bytes {first}-{last}/{file.size}", 206
            data = data[first : last + 1]
        if request.method == "HEAD":  # the true size, so that a client can notice tampered bytes
            return Response(status_code=status, headers=headers | {"Content-Length": str(file.size)})
        return Response(data, status, headers, media_type="application/octet-stream")

    def _asked(self, request: Request, revision: str | None = None) -> tuple[Repo, Commit]:
        asked = request.path_params
        repo_id = f"{asked['owner']}/{asked['name']}"
        self._raise_outage(repo_id)
        repo = self._repo(asked.get("kinds", "models").removesuffix("s"), repo_id)
        return repo, repo.at(revision or asked.get("revision", "main"))

    def _check_token(self, request: Request) -> None:
        sent = request.headers.get("authorization")
        if sent and self._only_token and sent != f"Bearer {self._only_token}":
            raise refusal(401, "Invalid credentials in Authorization header")

    def _demand_token(self, request: Request, owner: str | None = None) -> None:
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise refusal(401, "Invalid username or password.")
        if owner in self._closed:
            raise refusal(403, f"You don't have the rights to write under the namespace {owner}")


def refusal(status: int, message: str) -> HubError:
    """Return the Hub's answer to somebody who may not do what they ask."""
    return HubError(status, "", message, {"X-Error-Message": message})
