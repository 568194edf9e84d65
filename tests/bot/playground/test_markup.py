from bot.playground.markup import utf16_slice, with_entities


def test_commands_mentions_and_addresses_are_found_and_counted_in_utf16() -> None:
    text, entities = with_entities(
        " 🐶 /young@throwback_bot ask @mina or mina@example.org at https://example.org/@a. 1/2 </b> /a/b\n"
    )
    assert text.startswith("🐶") and text.endswith("/a/b")
    assert [(one["type"], utf16_slice(text, one["offset"], one["length"])) for one in entities] == [
        ("bot_command", "/young@throwback_bot"),
        ("mention", "@mina"),
        ("url", "https://example.org/@a"),
    ]
