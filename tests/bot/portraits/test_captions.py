import pytest

from bot.portraits.captions import Caption, read_caption
from storage import State
from tests.bot.harness import Harness, labels
from tests.scripted_engine import Script


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("", "en", Caption()),
        ("so cute!!", "en", Caption()),
        ("Samoyed", "en", Caption("samoyed")),
        ("samoyed 🐶", "en", Caption("samoyed")),
        ("/young golden retriever", "en", Caption("golden_retriever")),
        ("/young@throwback_bot", "en", Caption()),
        ("Momo, Samoyed", "en", Caption("samoyed", "Momo")),
        ("모모, 말티즈", "ko", Caption("maltese", "모모")),
        ("시바견", "ko", Caption("shiba_inu")),
        ("Samoyed, look at this lovely face of his!!", "en", Caption("samoyed")),
        ("Samoyed, one, two", "en", Caption("samoyed")),
        ("Rex, Labrador", "en", Caption("labrador_retriever", "Rex")),
        ("Rex (Lab)", "en", Caption("labrador_retriever", "Rex")),
        ("Luna – Husky", "en", Caption("siberian_husky", "Luna")),
        ("Golden", "en", Caption("golden_retriever")),
        ("Yorkie", "de", Caption("yorkshire_terrier")),
        ("시바", "ko", Caption("shiba_inu")),
        ("보리, 비숑", "ko", Caption("bichon_frise", "보리")),
        ("나비, 코숏", "ko", Caption("domestic_shorthair", "나비")),
        ("小白，柴犬", "zh", Caption("shiba_inu", "小白")),
    ],
)
def test_only_what_is_clear_is_taken(text: str, language: str, said: Caption) -> None:
    assert read_caption(text, language) == said


async def test_a_caption_with_breed_and_name_saves_the_questions(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(caption="Momo, Samoyed")
    await mina.press(await mina.sees("photo of Momo as a baby"), "Go on without")
    await mina.sees("Momo at eight weeks", photo=True)


async def test_a_pet_that_a_caption_named_is_remembered(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(caption="Momo, Samoyed")
    await mina.press(await mina.sees("photo of Momo as a baby"), "Go on without")
    film = await mina.sees(video=True)
    assert "🏷 Add a name" not in labels(film)
    await mina.portrait_in(State.DONE)
    await mina.write("/history")
    await mina.sees("Momo · ", "Photo 1 of 1", "Momo")
    await mina.send(shade=90)
    await mina.sees("Nice to see Momo again", "💛 Momo")


async def test_a_baby_photo_of_a_pet_that_a_caption_names_is_not_asked_for_again(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(caption="Momo, Samoyed")
    await mina.sees("photo of Momo as a baby")
    await mina.send(shade=90)
    await mina.sees(video=True)
    baby_photo = (await mina.portrait_in(State.DONE)).baby_photo
    second = await mina.send(shade=60, caption="momo, samoyed")
    await harness.message_after(mina.id, second, "Momo at eight weeks", photo=True)
    portrait = (await mina.portraits_in(State.DONE, 2))[-1]
    assert (portrait.baby_photo, portrait.name) == (baby_photo, "Momo")
    assert [pet.name for pet in await harness.services.storage.pets.of_owner(mina.id)] == ["Momo"]


async def test_a_cat_of_the_same_name_lends_a_dog_no_baby_photo(harness: Harness) -> None:
    mina = harness.user()
    await mina.send(Script.CAT, caption="Momo, Persian")
    await mina.sees("photo of Momo as a baby")
    await mina.send(Script.CAT, shade=90)
    await mina.sees(video=True)
    await mina.portrait_in(State.DONE)
    second = await mina.send(shade=60, caption="Momo, Samoyed")
    await harness.message_after(mina.id, second, "photo of Momo as a baby")


async def test_a_name_in_a_caption_that_is_added_later_counts(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send(Script.CAT)
    await mina.sees("lovely cat")
    await harness.users.edit(mina.id, mina.id, photo["message_id"], "Momo, Persian")
    await mina.sees("Persian, got it!", "photo of Momo as a baby")


async def test_a_caption_that_is_added_later_counts(harness: Harness) -> None:
    mina = harness.user()
    photo = await mina.send(Script.CAT)
    await mina.sees("lovely cat")
    await harness.users.edit(mina.id, mina.id, photo["message_id"], "Persian")
    await mina.sees("baby photo")
    assert (await mina.portrait()).breed == "persian"
