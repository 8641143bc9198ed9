import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from overread.errors import InputError
from overread.images import MAX_FILE_BYTES
from overread.stack.items import Item, find_items
from overread.stack.zip_file import MAX_MEMBERS, ZipError, is_inside, members, read


def png(colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (96, 96), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    def make_zip(content: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
        path = tmp_path / "stack.zip"
        with zipfile.ZipFile(path, "w", method) as file:
            for name, data in content.items():
                file.writestr(name, data)
        return path

    return make_zip


def test_images_are_found_by_content_in_alphabetical_order_and_read_in_memory(make: Callable[..., Path]) -> None:
    path = make(
        {
            "b.png": png(),
            "a/no-suffix": png("blue"),
            "notes.txt": b"x",
            ".hidden": b"",
            "__MACOSX/b.png": b"",
            "a/": b"",
        }
    )
    before = set(path.parent.iterdir())
    found = find_items([path])
    assert [item.path for item in found.items] == [path / "a/no-suffix", path / "b.png"]
    assert [item.source for item in found.items] == [png("blue"), png()]
    assert [(file.name, reason[:7]) for file, reason in found.skipped] == [("notes.txt", "not PNG")]
    assert set(path.parent.iterdir()) == before


def test_a_zip_is_known_by_its_content_and_read_only_where_it_is_named(make: Callable[..., Path]) -> None:
    path = make({"b.png": png()})
    path = path.rename(path.with_name("stack.dat"))
    Image.new("RGB", (96, 96)).save(path.with_name("c.png"))
    assert [item.path for item in find_items([path]).items] == [path / "b.png"]
    (skipped,) = find_items([path.parent]).skipped
    assert skipped == (path, "a zip: name it itself, and the images in it are read")


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/etc/x.png", "C:\\x.png", "\\x.png", "..\\x.png", ""])
def test_names_that_lead_out_of_the_zip_are_told(name: str) -> None:
    assert not is_inside(name)
    assert is_inside("a/..b/x.png")


def test_members_that_are_not_to_be_read_are_left_out_with_the_reason(make: Callable[..., Path]) -> None:
    path = make({"good.png": png(), "../out.png": png(), "inner.zip": png(), "bomb.bmp": bytes(10 * 2**20)})
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, "/etc/passwd")
        file.writestr("bzip2.png", png(), zipfile.ZIP_BZIP2)
    found = find_items([path])
    assert [item.member for item in found.items] == ["good.png"]
    assert {str(file.relative_to(path)): reason.split(":")[0] for file, reason in found.skipped} == {
        "../out.png": "its name leads out of the zip",
        "bomb.bmp": "it unpacks to more than 100 times its size, as a zip bomb does",
        "bzip2.png": "compressed in an unusual way",
        "inner.zip": "a zip inside the zip",
        "link.png": "a link, not a file",
    }


def test_an_encrypted_member_is_left_out(make: Callable[..., Path]) -> None:
    path = make({"good.png": png(), "secret.png": png()})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rfind(signature) + offset] |= 1  # the flag of the last member, in its header and in the directory
    path.write_bytes(data)
    ((file, reason),) = find_items([path]).skipped
    assert (file.name, reason) == ("secret.png", "encrypted: save the zip without a password")


def test_a_member_larger_than_an_image_may_be_is_not_unpacked(make: Callable[..., Path]) -> None:
    path = make({"large.png": png() + bytes(MAX_FILE_BYTES)}, zipfile.ZIP_STORED)
    (item,) = find_items([path]).items
    with pytest.raises(InputError, match="larger than 32 MB"):
        _ = item.source


def test_a_member_that_lies_about_its_size_gives_no_more_than_it_said(make: Callable[..., Path]) -> None:
    path = make({"liar.png": png() + bytes(8 * 2**20)})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<L", data, data.rfind(signature) + offset, 1000)
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):  # 1000 bytes were unpacked, and their checksum is another one
        read(path, "liar.png")


def test_members_that_share_their_bytes_are_refused(make: Callable[..., Path]) -> None:
    path = make({"a.png": png(), "b.png": png()}, zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.rfind(b"PK\x01\x02") + 42, 10)  # b's header now lies within a
    path.write_bytes(data)
    with pytest.raises(ZipError, match="zip bomb"):
        members(path)


def test_a_directory_that_is_too_large_is_refused_before_it_is_read(make: Callable[..., Path]) -> None:
    path = make({"a.png": png()})
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, data.rfind(b"PK\x05\x06") + 10, MAX_MEMBERS + 1)
    path.write_bytes(data)
    with pytest.raises(ZipError, match="up to 50,000 files"):
        members(path)


def test_a_damaged_zip_and_one_without_images_are_one_sentence(make: Callable[..., Path]) -> None:
    path = make({"a.png": png()})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="damaged"):
        find_items([path])
    with pytest.raises(InputError, match=r"no image in the zip .*: not PNG"):
        find_items([make({"notes.txt": b"see the report"})])


def test_a_damaged_member_fails_alone(make: Callable[..., Path]) -> None:
    path = make({"a.png": png(), "b.png": png("blue")})
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)
    bad, good = find_items([path]).items
    with pytest.raises(InputError, match="damaged"):
        _ = bad.source
    assert good.source == png("blue")


def test_an_item_has_the_digest_of_its_file(make: Callable[..., Path]) -> None:
    path = make({"a.png": png()})
    loose = path.with_name("loose.png")
    loose.write_bytes(png())
    assert find_items([path]).items[0].sha256() == Item(loose).sha256() != ""
    assert Item(path.with_name("missing.png")).sha256() == ""
