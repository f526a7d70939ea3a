"""Sets at rest: the same set again, in less space."""

import random

from streams.cold import ColdStore
from streams.event_set import EventSet
from streams.events import make, pack
from streams.ledger import Added, Ledger
from streams.ledger_records import make_epoch

EPOCH = make_epoch(7, b"12345678")


def call(n: int, events: int = 3) -> EventSet:
    it = EventSet()
    for step in range(events):
        kind = ("call.queued", "call.answered", "call.ended")[step % 3]
        it.add(make(kind, n * 1000 + step, f"{n}.{step}", "pbx", queue=f"queue-{n % 7}", customer=f"customer-{n}", language="de"))
    it.write(EPOCH, f"call-{n}".encode(), [])
    return it


def test_a_set_comes_back_as_it_was_whatever_its_size() -> None:
    store = ColdStore()
    assert [store.freeze(call(n)) for n in range(16)] == [None] * 16
    for n, events in ((100, 1), (101, 3), (102, 64), (103, 65), (104, 300)):
        it = call(n, events)
        frozen = store.freeze(it)
        assert frozen is not None
        assert store.held(frozen) == events
        assert store.under(frozen) == it.under
        again = store.thaw(frozen)
        assert pack(again.events()) == pack(it.events())
        assert (again.full, again.tail, again.n, again.held) == (it.full, it.tail, it.n, it.held)
        assert (again.under, again.epoch, again.written) == (it.under, it.epoch, it.written)


def test_a_usual_call_takes_a_third_of_its_packed_events() -> None:
    store = ColdStore()
    for n in range(16):
        store.freeze(call(n))
    frozen = store.freeze(call(500))
    assert frozen is not None
    assert len(frozen) * 3 < len(pack(call(500).events()))


def test_a_ledger_at_rest_says_and_writes_the_same_as_one_that_is_not() -> None:
    rnd = random.Random(5)
    ledgers = Ledger(), Ledger()
    for ledger in ledgers:
        ledger.open(EPOCH)
    events = [
        (f"s{n % 40}", make("call.queued", rnd.randrange(1000), f"e{rnd.randrange(600)}", "pbx", queue=rnd.choice("ab")))
        for n in range(900)
    ]
    for number, (subject, event) in enumerate(events):
        added = {ledger.add(subject, event) for ledger in ledgers}
        assert len(added) == 1
        if number % 50 == 49:
            assert ledgers[0].changes() == ledgers[1].changes()
            for resting in range(0, 40, 2):
                ledgers[1].rest(f"s{resting}")
    ledgers[1].rest("s2")
    for subject in sorted({subject for subject, _ in events}):
        assert pack(ledgers[0].stored_events(subject)) == pack(ledgers[1].stored_events(subject))
        assert ledgers[0].size(subject) == ledgers[1].size(subject)
    assert ledgers[1].add(*events[0]) is Added.DUPLICATE
