from bot.playground.parameters import Upload
from storage import State
from tests.bot.town import Resident, Town
from tests.scripted_engine import Script, scripted_photo


async def send_album(town: Town, person: Resident, *scripts: Script, caption: str = "") -> None:
    uploads = [
        Upload(f"{place}.jpg", "image/jpeg", scripted_photo(script, 200 - place))
        for place, script in enumerate(scripts)
    ]
    await town.people.send(person.id, person.id, uploads, as_files=True, caption=caption)


async def test_an_album_is_one_conversation(town: Town) -> None:
    mina = town.person()
    await send_album(town, mina, Script.PLAIN, Script.PLAIN, Script.PLAIN, caption="Samoyed")
    question = await mina.sees("second photo", "Yes, take it")
    await mina.press(question, "Yes, take it")
    await mina.sees(video=True)
    (portrait,) = await town.desk.storage.portraits.of_owner(mina.id)
    assert portrait.breed == "samoyed"
    assert portrait.baby_photo not in (None, portrait.photo)


async def test_the_second_photo_may_be_left_out(town: Town) -> None:
    mina = town.person()
    await send_album(town, mina, Script.PLAIN, Script.PLAIN)
    await mina.press(await mina.sees("Samoyed"), "Samoyed")
    await mina.press(await mina.sees("second photo"), "go on without one")
    await mina.sees(video=True)
    assert (await mina.portrait_in(State.DONE)).baby_photo is None


async def test_the_first_good_photo_counts(town: Town) -> None:
    mina = town.person()
    await send_album(town, mina, Script.NOT_AN_IMAGE, Script.CAT)
    await mina.sees("lovely cat")
    assert len(await town.desk.storage.portraits.of_owner(mina.id)) <= 2
