"""The scheduler's order, fairness, estimates and endurance, with jobs that only count."""

import time
from collections.abc import Sequence

import pytest

from engine.errors import EngineFault, EngineStopped, OperatorError, PhotoError, PhotoReason
from engine.messages import (
    Answer,
    Cancel,
    Describe,
    Description,
    Failure,
    FailureKind,
    Film,
    Forget,
    Forgotten,
    Progress,
    Recognise,
    Recognition,
    Reimagine,
    Reimagined,
    Rejuvenate,
    Rejuvenation,
    Request,
    Species,
    Stage,
)
from engine.process.eta import WORK, StageTimes
from engine.process.jobs import BatchedSearch, Job, JobStep
from engine.process.scheduler import Scheduler
from engine.process.wire import Capacity, Hello, Message, Working, encode

STEPS = 5  # of every stage


def rejuvenation(request: Rejuvenate, steps: int = STEPS) -> Rejuvenation:
    film = Film(b"", b"", 2, 2, 1.0, 30)
    return Rejuvenation(request.id, b"", None, None, film, b"", Species.DOG, "", (), None, "", "cpu", 0.0, steps, {})


class Counting:
    """Counts through the stages; a photo that names an error raises it half-way. Remembers the order of all steps."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.closed: list[str] = []
        self.before_step: dict[int, list[Message]] = {}  # what arrives while this step is being worked on
        self.scheduler: Scheduler | None = None

    def begin(self, request: Request) -> Job:
        try:
            if isinstance(request, Rejuvenate):
                for stage in WORK:
                    for count in range(STEPS):
                        self._count(request)
                        if request.photo and (stage, count) == (Stage.LOCKING, 0):
                            raise _ERRORS[request.photo]
                        yield JobStep(stage, (count + 1) / STEPS)
                return rejuvenation(request)
            self._count(request)
            if isinstance(request, Reimagine):
                yield JobStep(Stage.FILMING, 0.5)
                self._count(request)
            return _short_answer(request)
        except GeneratorExit:
            self.closed.append(request.id)
            raise

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        raise AssertionError("nobody searches here")

    def on_idle(self) -> None:
        """There is nothing to tidy."""

    def _count(self, request: Request) -> None:
        assert self.scheduler is not None
        self.order.append(request.id)
        for message in self.before_step.get(len(self.order), []):
            self.scheduler.submit(message)


def _short_answer(request: Request) -> Answer:
    match request:
        case Recognise(id=id_):
            return Recognition(id_, False, None, (), (), 1, 1)
        case Reimagine(id=id_, age=age):
            return Reimagined(id_, float("nan") if age else age, b"", None, None, None, {})
        case Forget(id=id_):
            return Forgotten(id_, 0)
    return Description(request.id, "cpu", (), "", ())


_ERRORS = {
    b"photo": PhotoError(PhotoReason.NO_FACE, "baby_photo"),
    b"stopped": EngineStopped("stopped"),
    b"fault": EngineFault("no ffmpeg"),
    b"operator": OperatorError("there is no network 'mine'"),
    b"unforeseen": ValueError("/home/secret/photo.jpg"),
}


def work(
    executor: Counting, *requests: Message, answers: int, stage_times: StageTimes | None = None, slots: int = 2
) -> list[Message]:
    """What the scheduler sends for `requests`, until it has given that many answers."""
    sent: list[Message] = []

    def send(message: Message) -> None:
        encode(message)
        sent.append(message)
        if len(answers_in(sent)) == answers:
            scheduler.stop()

    scheduler = executor.scheduler = Scheduler(send, stage_times, slots)
    for request in requests:
        scheduler.submit(request)
    scheduler.run(executor)
    return sent


def answers_in(sent: list[Message]) -> list[Answer]:
    return [message for message in sent if not isinstance(message, Progress | Working | Capacity | Hello | Request)]


def progress_of(name: str, sent: list[Message]) -> list[Progress]:
    return [message for message in sent if isinstance(message, Progress) and message.id == name]


def test_a_portrait_goes_through_all_stages_and_never_back() -> None:
    sent = work(Counting(), Rejuvenate("a", b""), answers=1)
    progress = progress_of("a", sent)
    assert [one.stage for one in progress] == list(WORK)
    assert [one.fraction for one in progress] == sorted(one.fraction for one in progress)
    assert [message.id for message in answers_in(sent)] == ["a"]


def test_the_answer_says_how_long_it_took() -> None:
    (answer,) = answers_in(work(Counting(), Rejuvenate("a", b""), answers=1))
    assert isinstance(answer, Rejuvenation)
    assert set(answer.seconds) == {*WORK, "total"}
    assert answer.seconds["total"] == pytest.approx(sum(answer.seconds[stage] for stage in WORK))


def test_portraits_with_a_slot_take_turns_and_the_others_wait_in_order() -> None:
    executor = Counting()
    sent = work(executor, *(Rejuvenate(name, b"") for name in "abc"), answers=3)
    assert executor.order[:6] == ["a", "b"] * 3
    assert "c" not in executor.order[: 2 * STEPS * len(WORK)]
    assert [message.id for message in answers_in(sent) if isinstance(message, Rejuvenation)] == ["a", "b", "c"]
    waiting = [one.position for one in progress_of("c", sent) if one.stage is Stage.QUEUED]
    assert waiting == [2]


def test_everybody_moves_up_when_one_is_done() -> None:
    sent = work(Counting(), *(Rejuvenate(name, b"") for name in "abcd"), answers=4, slots=1)
    assert [one.position for one in progress_of("d", sent) if one.stage is Stage.QUEUED] == [3, 2, 1]


def test_short_requests_come_between_two_steps_most_urgent_first() -> None:
    executor = Counting()
    executor.before_step[3] = [Reimagine("again", b"", 0.0), Recognise("what", b""), Describe("who")]
    work(executor, Rejuvenate("a", b""), answers=4)
    assert executor.order[:9] == ["a", "a", "a", "what", "who", "again", "again", "a", "a"]


def test_cancelling_ends_the_job_between_two_steps() -> None:
    executor = Counting()
    executor.before_step[4] = [Cancel("x", target="a"), Cancel("y", target="c"), Cancel("z", target="unknown")]
    sent = work(executor, *(Rejuvenate(name, b"") for name in "abc"), answers=3)
    assert executor.order.count("a") == 2
    assert executor.closed == ["a"]
    assert answers_in(sent)[:2] == [Failure(name, FailureKind.CANCELLED, "cancelled") for name in "ac"]
    assert isinstance(answers_in(sent)[2], Rejuvenation)


@pytest.mark.parametrize(
    ("photo", "failure"),
    [
        (b"photo", Failure("a", FailureKind.PHOTO, "no_face", "baby_photo")),
        (b"stopped", Failure("a", FailureKind.CANCELLED, "stopped")),
        (b"fault", Failure("a", FailureKind.FAULT, "no ffmpeg")),
        (b"operator", Failure("a", FailureKind.OPERATOR, "there is no network 'mine'")),
        (b"unforeseen", Failure("a", FailureKind.FAULT, "ValueError")),
    ],
)
def test_errors_fail_their_request_and_no_other(
    photo: bytes, failure: Failure, caplog: pytest.LogCaptureFixture
) -> None:
    sent = work(Counting(), Rejuvenate("a", photo), Rejuvenate("b", b""), answers=2)
    assert answers_in(sent)[0] == failure
    assert isinstance(answers_in(sent)[1], Rejuvenation)
    assert "secret" not in caplog.text


def test_where_the_device_takes_no_work_any_more_the_work_ends_with_an_answer() -> None:
    class AcceleratorError(RuntimeError):
        """Named as torch's."""

    with pytest.MonkeyPatch.context() as patch, pytest.raises(AcceleratorError):
        patch.setitem(_ERRORS, b"device", AcceleratorError("an illegal memory access"))
        sent: list[Message] = []
        executor = Counting()
        scheduler = executor.scheduler = Scheduler(sent.append)
        for request in (Rejuvenate("a", b"device"), Rejuvenate("b", b"")):
            scheduler.submit(request)
        try:
            scheduler.run(executor)
        finally:
            assert answers_in(sent) == [Failure("a", FailureKind.FAULT, "AcceleratorError")]


def test_an_unforeseen_error_is_logged_with_type_place_and_id(caplog: pytest.LogCaptureFixture) -> None:
    work(Counting(), Rejuvenate("a", b"unforeseen"), answers=1)
    assert "Rejuvenate a failed: ValueError at test_scheduler.py:" in caplog.text


def test_an_answer_that_cannot_be_sent_fails() -> None:
    sent = work(Counting(), Reimagine("again", b"", 1.0), Recognise("what", b""), answers=2)
    assert answers_in(sent)[1] == Failure("again", FailureKind.FAULT, "WireError")


def test_what_is_being_worked_on_is_announced_before_the_step() -> None:
    executor = Counting()
    executor.before_step[2] = [Recognise("what", b"")]
    sent = work(executor, Rejuvenate("a", b""), answers=2)
    assert [message.ids for message in sent if isinstance(message, Working)] == [("a",), ("what",), ("a",)]


def test_stopping_closes_what_is_unfinished() -> None:
    executor = Counting()
    work(executor, Rejuvenate("a", b""), Rejuvenate("b", b""), Recognise("what", b""), answers=1)
    assert sorted(executor.closed) == []  # nothing of them had been begun
    executor.before_step[3] = [Recognise("what", b"")]
    executor.order.clear()
    work(executor, Rejuvenate("a", b""), answers=1)
    assert executor.closed == ["a"]


def test_estimates_come_from_measured_runs_only() -> None:
    stage_times = StageTimes()
    first = work(Counting(), Rejuvenate("a", b""), answers=1, stage_times=stage_times)
    assert {one.eta_s for one in progress_of("a", first)} == {None}
    stage_times.learn("any, one photo", dict.fromkeys(WORK, 10.0))
    expected = stage_times.expected("any, one photo")
    assert expected is not None
    whole = sum(expected.values())
    second = work(Counting(), *(Rejuvenate(name, b"") for name in "abc"), answers=3, stage_times=stage_times)
    waiting = progress_of("c", second)[0]
    assert waiting.stage is Stage.QUEUED
    assert waiting.eta_s == pytest.approx(3 * whole)
    alone = progress_of("c", second)[1:]
    assert all(one.eta_s is not None and 0 <= one.eta_s <= whole for one in alone)


def test_a_portrait_from_the_cache_says_nothing_of_the_next_one() -> None:
    class FromCache(Counting):
        def begin(self, request: Request) -> Job:
            assert isinstance(request, Rejuvenate)
            self._count(request)
            yield JobStep(Stage.ALIGNING, 1.0)
            return rejuvenation(request, steps=0)

    stage_times = StageTimes()
    work(FromCache(), Rejuvenate("a", b""), answers=1, stage_times=stage_times)
    assert stage_times.expected("any, one photo") is None


class Tally:
    """A search that only counts; one that is ill raises at its third step."""

    def __init__(self, name: str, steps: int, kind: str) -> None:
        self.name, self.left, self.kind = name, steps, kind
        self.advanced = False
        self.error: Exception | None = None

    @property
    def pending(self) -> bool:
        return self.left > 0 and not self.advanced

    def step(self) -> None:
        assert self.advanced, "its step was not taken by the workshop"
        self.advanced = False
        self.left -= 1
        if self.error is not None:
            raise self.error


class Searching(Counting):
    """Searches of the steps that the photo or latent says first; then it says which others can share their batch.

    One each, and two with a baby photo.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[str] = []

    def begin(self, request: Request) -> Job:
        if not isinstance(request, Rejuvenate | Reimagine):
            return (yield from super().begin(request))
        yield JobStep(Stage.ALIGNING, 1.0)
        work = request.photo if isinstance(request, Rejuvenate) else request.latent
        steps, kind = work.decode().split()
        names = request.id + (request.id.upper() if isinstance(request, Rejuvenate) and request.baby_photo else "")
        searches = tuple(Tally(name, int(steps), kind) for name in names)
        while left := searches[0].left:
            yield JobStep(Stage.PROJECTING, 1 - left / int(steps), searches=searches)
            for search in searches:
                search.step()
        return rejuvenation(request) if isinstance(request, Rejuvenate) else _short_answer(request)

    def advance(self, searches: Sequence[BatchedSearch]) -> None:
        tallies = [search for search in searches if isinstance(search, Tally)]
        together = [one for one in tallies if one.kind == tallies[0].kind]
        self.batches.append("".join(one.name for one in together))
        assert self.scheduler is not None
        for message in self.before_step.get(len(self.batches), []):
            self.scheduler.submit(message)
        for one in together:
            one.advanced = True
            if one.kind == "ill" and one.left == 1:
                one.error = EngineFault("ill")


def test_searches_take_their_steps_together_and_leave_one_by_one() -> None:
    executor = Searching()
    work(executor, Rejuvenate("a", b"2 x"), Rejuvenate("b", b"4 x"), Rejuvenate("c", b"3 x"), answers=3, slots=3)
    assert executor.batches == ["abc", "abc", "bc", "b"]


def test_the_searches_of_one_portrait_share_the_batch_with_each_other_and_with_those_of_others() -> None:
    executor = Searching()
    sent = work(executor, Rejuvenate("a", b"2 x", baby_photo=b"baby"), Rejuvenate("b", b"3 x"), answers=2, slots=3)
    assert executor.batches == ["aAb", "aAb", "b"]
    fractions = [one.fraction for one in progress_of("a", sent)]
    assert fractions == sorted(fractions)


def test_who_is_to_be_alone_still_searches_both_photos_together() -> None:
    executor = Searching()
    requests = [Rejuvenate("a", b"2 x", baby_photo=b"baby", alone=True), Rejuvenate("b", b"2 x")]
    work(executor, *requests, answers=2)
    assert sorted(executor.batches) == ["aA", "aA", "b", "b"]


def test_a_portrait_has_the_seconds_of_all_its_searches() -> None:
    class Slow(Searching):
        """Every batch takes three seconds."""

        def advance(self, searches: Sequence[BatchedSearch]) -> None:
            super().advance(searches)
            clock[0] += 3.0

    clock = [0.0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: clock[0])
        requests = [Rejuvenate("a", b"2 x", baby_photo=b"baby"), Rejuvenate("b", b"2 x")]
        answers = answers_in(work(Slow(), *requests, answers=2, slots=3))
    taken = {one.id: one.seconds["total"] for one in answers if isinstance(one, Rejuvenation)}
    assert taken == {"a": pytest.approx(4.0), "b": pytest.approx(2.0)}


def test_a_newcomer_joins_at_the_next_step() -> None:
    executor = Searching()
    executor.before_step[2] = [Rejuvenate("b", b"3 x")]
    work(executor, Rejuvenate("a", b"5 x"), answers=2)
    assert executor.batches == ["a", "a", "a", "a", "ab", "b", "b"]  # two while the newcomer was not yet searching


def test_no_more_than_the_slots_share_a_batch() -> None:
    executor = Searching()
    work(executor, *(Rejuvenate(name, b"2 x") for name in "abc"), answers=3, slots=2)
    assert max(len(batch) for batch in executor.batches) == 2


def test_no_more_searches_than_slots_share_a_batch() -> None:
    executor = Searching()
    work(executor, *(Rejuvenate(name, b"2 x", baby_photo=b"baby") for name in "abc"), answers=3, slots=4)
    assert executor.batches == ["aAbB", "cCaA", "bBcC"]


def test_searches_of_different_kinds_do_not_share_a_batch() -> None:
    executor = Searching()
    work(executor, Rejuvenate("a", b"2 x"), Rejuvenate("b", b"2 y"), Rejuvenate("c", b"2 x"), answers=3, slots=3)
    assert sorted(executor.batches) == ["ac", "ac", "b", "b"]


def test_a_search_that_fails_fails_alone() -> None:
    executor = Searching()
    sent = work(executor, Rejuvenate("a", b"2 ill"), Rejuvenate("b", b"4 ill"), answers=2)
    assert answers_in(sent)[0] == Failure("a", FailureKind.FAULT, "ill")
    assert executor.batches == ["ab", "ab", "b", "b"]


def test_short_requests_are_served_between_two_batches() -> None:
    executor = Searching()
    executor.before_step[1] = [Recognise("what", b"")]
    sent = work(executor, Rejuvenate("a", b"3 x"), Rejuvenate("b", b"3 x"), answers=3)
    assert isinstance(answers_in(sent)[0], Recognition)


def test_another_age_that_has_to_search_takes_turns_with_the_others() -> None:
    executor = Searching()
    executor.before_step[1] = [Reimagine("b", b"3 x", 0.0)]
    sent = work(executor, Rejuvenate("a", b"5 x"), answers=2)
    assert "ab" in executor.batches
    assert {type(one) for one in answers_in(sent)} == {Rejuvenation, Reimagined}


def test_what_is_cancelled_leaves_the_batch() -> None:
    executor = Searching()
    executor.before_step[1] = [Cancel("x", target="a")]
    sent = work(executor, Rejuvenate("a", b"3 x"), Rejuvenate("b", b"3 x"), answers=2)
    assert answers_in(sent)[0] == Failure("a", FailureKind.CANCELLED, "cancelled")
    assert executor.batches[1:] == ["b", "b"]


def test_the_seconds_of_a_batch_are_shared_out() -> None:
    executor = Searching()
    sent = work(executor, Rejuvenate("a", b"2 x"), Rejuvenate("b", b"2 x"), answers=2)
    assert all(isinstance(one, Rejuvenation) and one.seconds["projecting"] > 0 for one in answers_in(sent))


def test_who_is_to_be_alone_shares_no_batch_and_is_announced_alone() -> None:
    executor = Searching()
    requests = [Rejuvenate("a", b"2 x"), Rejuvenate("b", b"2 x", alone=True), Rejuvenate("c", b"2 x")]
    sent = work(executor, *requests, answers=3, slots=3)
    assert sorted(executor.batches) == ["ac", "ac", "b", "b"]
    announced = [message.ids for message in sent if isinstance(message, Working)]
    assert ("a", "c") in announced
    assert not any("b" in ids and len(ids) > 1 for ids in announced)


class Aside(Counting):
    """Who has a photo films aside, until the others have taken as many steps as it has bytes."""

    def begin(self, request: Request) -> Job:
        if isinstance(request, Rejuvenate) and request.photo:
            return self._filming(request)
        return super().begin(request)

    def _filming(self, request: Rejuvenate) -> Job:
        while len(self.order) < len(request.photo):
            yield JobStep(Stage.FILMING, len(self.order) / len(request.photo), in_pool=True)
        return rejuvenation(request)

    def _count(self, request: Request) -> None:
        began = time.monotonic()
        while time.monotonic() - began < 0.002:
            pass
        super()._count(request)


def test_who_goes_on_aside_is_announced_with_the_others_and_has_its_part_of_the_time() -> None:
    sent = work(Aside(), Rejuvenate("film", b"x" * 10), Rejuvenate("b", b""), answers=2)
    announced = [message.ids for message in sent if isinstance(message, Working)]
    assert ("b", "film") in announced
    filmed = next(one for one in answers_in(sent) if one.id == "film")
    assert isinstance(filmed, Rejuvenation)
    assert filmed.seconds["filming"] >= 0.01  # half of the others' ten steps


class Resting(Counting):
    """Whose rest is seen, and wakes somebody."""

    def __init__(self) -> None:
        super().__init__()
        self.rests = 0

    def on_idle(self) -> None:
        self.rests += 1
        assert self.scheduler is not None
        self.scheduler.submit(Describe(f"after rest {self.rests}"))


def test_who_has_nothing_to_do_for_a_while_rests_and_answers_afterwards() -> None:
    executor, sent = Resting(), list[Message]()

    def send(message: Message) -> None:
        sent.append(message)
        if len(answers_in(sent)) == 3:
            scheduler.stop()

    scheduler = executor.scheduler = Scheduler(send, idle_after_s=0.001)
    scheduler.submit(Describe("first"))
    scheduler.run(executor)
    assert [answer.id for answer in answers_in(sent)] == ["first", "after rest 1", "after rest 2"]
    assert executor.rests == 2
