import pytest

from bot.playground.errors import ApiError
from bot.playground.markup import utf16_slice, written


def test_html_becomes_entities_counted_in_utf16() -> None:
    text, entities = written(' 🐶 <b>Mochi <i>&amp; Tofu</i></b> <a href="https://a.b/?x=1&amp;y=2">here</a>\n', "HTML")
    assert text == "🐶 Mochi & Tofu here"
    assert [(e["type"], utf16_slice(text, e["offset"], e["length"])) for e in entities] == [
        ("bold", "Mochi & Tofu"),
        ("italic", "& Tofu"),
        ("text_link", "here"),
    ]
    assert entities[-1]["url"] == "https://a.b/?x=1&y=2"


@pytest.mark.parametrize("text", ["<b>open", "</b>", "<b><i>x</b></i>", "<h1>x</h1>", "a < b"])
def test_broken_html_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="can't parse entities"):
        written(text, "HTML")


def test_commands_mentions_and_addresses_are_found() -> None:
    text, entities = written(
        "🐶 /young@throwback_bot ask @mina or mina@example.org at https://example.org/a. 1/2 #puppy </b> /a/b"
    )
    assert [utf16_slice(text, e["offset"], e["length"]) for e in entities] == [
        "/young@throwback_bot",
        "@mina",
        "mina@example.org",
        "https://example.org/a",
        "#puppy",
    ]
