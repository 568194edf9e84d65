import pytest

from bot.captions import Caption, read_caption
from tests.bot.town import Town
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
    ],
)
def test_only_what_is_clear_is_taken(text: str, language: str, said: Caption) -> None:
    assert read_caption(text, language) == said


async def test_a_caption_with_breed_and_name_saves_the_questions(town: Town) -> None:
    mina = town.person()
    await mina.send(caption="Momo, Samoyed")
    await mina.press(await mina.sees("photo of Momo as a baby"), "Go on without")
    await mina.sees("Momo, when everything began", photo=True)


async def test_a_caption_that_is_added_later_counts(town: Town) -> None:
    mina = town.person()
    photo = await mina.send(Script.CAT)
    await mina.sees("lovely cat")
    await town.people.edit(mina.id, mina.id, photo["message_id"], "Persian")
    await mina.sees("baby photo")
    assert (await mina.portrait()).breed == "persian"
