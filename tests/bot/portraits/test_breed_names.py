import tomllib
from pathlib import Path

import pytest

import bot
from bot.portraits.breed_names import breed_name, match_breed, told_breed
from engine.breeds import BREEDS

LANGUAGES = sorted((Path(bot.__file__).parent / "texts" / "breeds").glob("*.toml"))


@pytest.mark.parametrize("path", LANGUAGES, ids=lambda path: path.stem)
def test_every_language_names_every_breed_once(path: Path) -> None:
    names = tomllib.loads(path.read_text("utf-8"))
    assert list(names) == list(BREEDS)
    for slug, known in names.items():
        assert known, slug
        assert len(set(known)) == len(known), slug
        assert all(name == name.strip() and name for name in known), slug


def test_names_shown_differ_within_a_species() -> None:
    for path in LANGUAGES:
        shown = [(BREEDS[slug].species, breed_name(slug, path.stem)) for slug in BREEDS]
        assert len(set(shown)) == len(shown)


def test_english_names_are_the_engines() -> None:
    assert {slug: breed_name(slug, "en") for slug in BREEDS} == {slug: breed.name for slug, breed in BREEDS.items()}


def test_a_language_without_breeds_falls_back_to_english() -> None:
    assert breed_name("maltese", "ko") == "말티즈"
    assert breed_name("maltese", "fi") == "Maltese"
    with pytest.raises(KeyError):
        breed_name("unicorn", "ko")


@pytest.mark.parametrize("slug", BREEDS)
@pytest.mark.parametrize("language", [path.stem for path in LANGUAGES])
def test_typing_the_name_shown_finds_its_breed_first(slug: str, language: str) -> None:
    assert match_breed(breed_name(slug, language), language)[0] == slug


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("말티즈", "maltese"),
        ("말티스", "maltese"),
        ("MALTESE", "maltese"),
        ("yorkie", "yorkshire_terrier"),
        ("Königspudel", "poodle"),
        ("EKH", "domestic_shorthair"),
        ("しばいぬ", "shiba_inu"),
        ("豆柴", "shiba_inu"),
        ("橘猫", "tabby"),
        ("土狗", "mixed_dog"),
        ("cavvy", "cavalier_king_charles_spaniel"),
        ("요키", "yorkshire_terrier"),
        ("goldn retriver", "golden_retriever"),
        ("German shepard", "german_shepherd"),
        ("토이 푸들", "poodle"),
        ("dachshound", "dachshund"),
        ("코숏", "domestic_shorthair"),
        ("petit basset griffon vendeen", "petit_basset_griffon_vendeen"),
        ("웰시 코기", "welsh_corgi"),
        ("비숑", "bichon_frise"),
    ],
)
def test_names_are_found_in_any_language_and_with_typing_errors(typed: str, slug: str) -> None:
    for language in ("en", "ko"):
        assert match_breed(typed, language)[0] == slug


def test_part_of_a_name_finds_all_that_carry_it() -> None:
    assert {"golden_retriever", "labrador_retriever"} <= set(match_breed("retriever", "en"))


@pytest.mark.parametrize("typed", ["", "   ", "xyzzy", "!!", "my dog is very nice and I love her"])
def test_nothing_near_finds_nothing(typed: str) -> None:
    assert match_breed(typed, "en") == []


PET_NAMES = """
Bella Luna Charlie Max Cooper Daisy Milo Lucy Buddy Rocky Bailey Sadie Teddy Bear Duke Lola Stella Tucker Zoe Leo
Oliver Simba Loki Chloe Nala Lily Penny Rosie Willow Coco Molly Maggie Ruby Oscar Jack Toby Finn Winston Zeus Louie
Bruno Rex Balu Emma Amy Paula Felix Minka Mimi Mochi Momo Thor Kira Nina Canela Pelusa Nube Kitty Pepper Shadow Oreo
Marley Roxy Jasper Murphy Gus Moose Ollie Ziggy Sam Sasha Misty Lucky Abby Cleo Ella Sophie
초코 콩이 보리 뭉치 코코 몽이 별이 사랑이 두부 루나 나비 구름이 봄이 해피 까미 밤이
ココ モモ ソラ マロン チョコ レオ ハナ レオン むぎ きなこ もも さくら
Барсик Мурка Шарик Рекс Тузик Васька Муся Рыжик Снежок Джек Бобик Арчи Симба Персик
旺财 咪咪 豆豆 小白 小黑 毛毛 球球 花花 来福 奶茶 布丁 团团 Mel Pipoca Amora Fred Bidu Pingo Belinha Tiger Ginger
"""

EVERYDAY_WORDS = """
hello, hi, thanks, thank you, cancel, yes, no, ok, help, stop, cute, what, wow, please, dog, cat, puppy, kitten
I don't know, good morning, bye, start, nice, cool, sorry, wait, done, love, who, none, great
hallo, danke, ja, nein, bitte, Hund, Katze, abbrechen, hilfe, keine Ahnung, weiß nicht, süß, toll, guten Morgen
tschüss, was, wie, schön, super, warum, warte, weiter, zurück, fertig, gut, nochmal, klar, wer, mein Hund, meine Katze
hola, gracias, sí, por favor, perro, gato, ayuda, cancelar, no sé, lindo, bonito, buenos días, adiós, qué, cómo, vale
genial, espera, listo, otro, nada, bueno, claro, mi perro, mi gato, amor, quién, después, ahora, mañana
안녕하세요, 안녕, 감사합니다, 고마워요, 네, 아니요, 응, 강아지, 고양이, 개, 몰라요, 모르겠어요, 취소, 도와주세요, 귀여워
예쁘다, 뭐야, 왜, 좋아요, 그만, 잠깐만요, 우리 강아지, 우리 고양이, 사진, 이름, 아니, 맞아요, 하하, ㅋㅋㅋ, 잘 몰라요
こんにちは, ありがとう, はい, いいえ, 犬, 猫, いぬ, ねこ, わかりません, わからない, かわいい, キャンセル, 助けて, やめる
お願いします, すごい, なに, おはよう, さようなら, うちの犬, うちの猫, 写真, 名前, 待って, 大丈夫, 次, 戻る, どうも
うん, へえ
привет, спасибо, да, нет, пожалуйста, собака, кошка, кот, пёс, не знаю, отмена, помощь, стоп, мило, красиво, что, как
почему, здравствуйте, пока, хорошо, ладно, супер, мой кот, моя собака, щенок, котёнок, фото, имя, круто
你好, 谢谢, 是, 不是, 狗, 猫, 狗狗, 猫咪, 不知道, 取消, 帮助, 可爱, 好看, 什么, 为什么, 早上好, 再见, 请, 好的, 等一下
我的狗, 我的猫, 照片, 名字, 停, 哈哈, 嗯, 对, 没有, 小狗
olá, obrigado, obrigada, sim, não, cachorro, ajuda, não sei, fofo, bom dia, tchau, o que, como, legal, pronto, outro
meu cachorro, meu gato, oi, quem, depois, agora, valeu, desculpa, pare, bonita, foto, nome, tudo bem, até logo
"""

OFFERED = {"Jack", "Tiger", "Ginger", "Ollie", "Ziggy", "Abby", "Рекс", "Джек", "Симба", "Персик"}
"""The names with which a breed's own name begins, or that are one letter from it: a button costs nobody anything."""

OFFERED_WORDS = {"great", "danke", "süß", "toll", "lindo", "agora"}


def test_what_pets_are_called_is_no_breed() -> None:
    assert [name for name in PET_NAMES.split() if told_breed(name, "")] == []
    assert {name for name in PET_NAMES.split() if match_breed(name, "en")} == OFFERED


def test_what_people_say_is_no_breed() -> None:
    words = [word.strip() for line in EVERYDAY_WORDS.strip().splitlines() for word in line.split(",")]
    assert [word for word in words if told_breed(word, "")] == []
    assert {word for word in words if match_breed(word, "en")} == OFFERED_WORDS


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("samoyd", "samoyed"),
        ("samoid", "samoyed"),
        ("chihuaha", "chihuahua"),
        ("chiwawa", "chihuahua"),
        ("rotweiler", "rottweiler"),
        ("pomeranean", "pomeranian"),
        ("shi tzu", "shih_tzu"),
        ("begle", "beagle"),
        ("beagel", "beagle"),
        ("korgi", "welsh_corgi"),
        ("huskey", "siberian_husky"),
        ("yorkshire terier", "yorkshire_terrier"),
        ("jack russel", "jack_russell_terrier"),
        ("mainecoon", "maine_coon"),
        ("siamise", "siamese"),
        ("sphinx", "sphynx"),
        ("scotish fold", "scottish_fold"),
        ("Schäfferhund", "german_shepherd"),
        ("Königspudl", "poodle"),
        ("pastor aleman", "german_shepherd"),
        ("viralata", "mixed_dog"),
        ("푸둘", "poodle"),
        ("포메라니언", "pomeranian"),
        ("トイプードル", "poodle"),
        ("лабродор", "labrador_retriever"),
        ("拉布拉多犬", "labrador_retriever"),
    ],
)
def test_typing_mistakes_still_find_their_breed(typed: str, slug: str) -> None:
    assert match_breed(typed, "en")[0] == slug


@pytest.mark.parametrize(
    ("typed", "species", "told"),
    [
        ("Samoyed", "dog", "samoyed"),
        ("samoyd", "dog", "samoyed"),  # nothing else is that near
        ("시바견", "dog", "shiba_inu"),
        ("Siamese", "dog", None),  # a cat's
        ("Siamese", "", "siamese"),
        ("mixed", "cat", "mixed_cat"),
        ("mixed", "", None),  # a dog or a cat
        ("manks", "cat", None),
        ("terrier", "dog", None),
    ],
)
def test_only_a_breed_of_its_species_that_was_clearly_told_is_taken(typed: str, species: str, told: str | None) -> None:
    assert told_breed(typed, species) == told
