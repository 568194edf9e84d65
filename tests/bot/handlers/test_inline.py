from tests.bot.harness import Harness, labels, words_of


async def test_own_results_can_be_sent_to_any_chat(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    chat = harness.group(mina, joon)
    film = await mina.ask_for_portrait()
    offered = await harness.users.ask_inline(mina.id, chat.id, "")
    kinds = {result["type"]: result for result in offered["results"]}
    assert set(kinds) == {"photo", "video"}
    sent = await harness.users.choose_inline(mina.id, chat.id, offered["query_id"], kinds["video"]["id"])
    assert sent["video"]["file_id"] == film["video"]["file_id"]
    assert "Here you go" in sent["caption"]


async def test_others_see_nothing_of_it(harness: Harness) -> None:
    mina, joon = harness.user(), harness.user("Joon")
    await mina.ask_for_portrait()
    offered = await harness.users.ask_inline(joon.id, joon.id, "")
    assert offered["results"] == []


async def test_words_narrow_the_choice(harness: Harness) -> None:
    mina = harness.user()
    await mina.ask_for_portrait()
    assert len((await harness.users.ask_inline(mina.id, mina.id, "samo"))["results"]) == 2
    unknown = await harness.users.ask_inline(mina.id, mina.id, "poodle")
    assert unknown["results"] == []
    assert unknown["button"]["text"] == "No pet of that name or breed"


async def test_a_pet_with_a_name_is_found_by_its_breed_too(harness: Harness) -> None:
    mina = harness.user()
    await mina.name_pet(await mina.ask_for_portrait(), "Momo")
    for words in ("momo", "samoyed"):
        assert len((await harness.users.ask_inline(mina.id, mina.id, words))["results"]) == 2


async def test_a_file_that_telegram_lost_keeps_no_others_from_being_shared(harness: Harness) -> None:
    mina = harness.user()
    await mina.ask_for_portrait()
    (still, film) = [
        one for one in await harness.services.storage.results.of((await mina.portrait()).id) if one.file_id
    ]
    await harness.services.storage.results.set_file_id(still.id, "expired")
    offered = await harness.users.ask_inline(mina.id, mina.id, "")
    assert [one["video_file_id"] for one in offered["results"]] == [film.file_id]


async def test_nothing_is_offered_for_sharing_where_inline_mode_is_off(harness: Harness) -> None:
    mina = harness.user()
    assert "📤 Share" in labels(await mina.ask_for_portrait())
    harness.telegram.inline_mode = False
    await harness.restart()
    joon = harness.user("Joon")
    film = await joon.ask_for_portrait()
    assert "Share" not in words_of(film)
    await joon.press_more(film, "Delete")
    await joon.press(await joon.sees("Yes, delete"), "Keep it")
    assert "Share" not in words_of(await joon.sees("8 weeks", video=True))
