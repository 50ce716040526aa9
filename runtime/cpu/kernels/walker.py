"""The plan walker: what each member of the team runs, in native code, without the GIL.

``kernel(control, set, order, 0)`` walks a table once as member 0, ringing the
others; ``kernel(control, 0, 0, t)`` is the life of member t: sleep at the
doorbell, walk, again, until told to leave.

The table holds (function, args, chunks, barrier) a launch. Chunks are claimed
from atomic counters: own share first, then the others'. Launches without
barrier overlap. A barrier counts finished chunks, not members: whoever comes
late, because another process has its core, is waited for only if it holds a
chunk. Who finishes the last chunk before a barrier looks at the status word
and, where a guard has set it, halts the walk before it lets the others pass.

Since nobody waits for a late member at the end either, it may still look at a
walk that is over. Each walk therefore has a set of its own (counters and a
copy of the table), used again once no member is inside.
"""

from runtime.cpu.atomics import (
    doze,
    fetch_add,
    float_control,
    futex_wait,
    futex_wake,
    load_word,
    nanoseconds,
    pause,
    set_float_control,
    store_word,
    ticks,
)
from runtime.vector.simd import call, device, least, most, put_word, quotient, remainder, word

X86 = True
FUTEX = True
CLOCK = 1

# the control block, in words; what different threads write lies a cache line apart
DOORBELL, DOORBELL_PARKED, LEAVE, CURRENT, SPIN, TEAM = 0, 8, 16, 24, 32, 33
MEMBERS, PATIENCE, INSIDE = 40, 0, 1  # a cache line a member: ticks to spin, address of the set it is in
# a set, in words; behind the head the table, then a cache line of counters for each launch and member
DONE, PASSED, PASSED_PARKED, HALT, LAUNCHES, STATUS, STAMPS, COUNTERS, TABLE = 0, 8, 16, 24, 32, 33, 34, 35, 40
LEAST_SPIN = 2000
IDLE = 5  # between two walks is Python, which takes longer than a barrier
FLUSH = 0x8040  # flush denormal results to zero, take denormal operands as zero


@device
def spun(address, seen, time):
    """Whether the word exceeded ``seen`` within ``time`` ticks of spinning."""
    if X86:
        start = ticks()
        while ticks() - start < time:
            if load_word(address) > seen:
                return True
            pause()
    else:
        turn = 0
        while turn < time:
            if load_word(address) > seen:
                return True
            turn += 16
    return False


@device
def sleep_past(address, parked, seen):
    """Returns once the word exceeds ``seen``."""
    while True:
        value = load_word(address)
        if value > seen:
            return
        if FUTEX:
            fetch_add(parked, 1)
            # the kernel looks at the word again: a ring between the load and here is not missed
            futex_wait(address, value & 0xFFFFFFFF)
            fetch_add(parked, -1)
        else:
            doze()


@device
def pass_gate(walked, total, mine, limit):
    """Waits for ``total`` finished chunks: spins, then sleeps.

    The time to spin, in ticks, is at ``mine``: doubled up to ``limit`` where
    spinning was enough, halved where it was not. On a machine with other work
    the thread waited for may need the very core we spin on.
    """
    gate, patience = walked + 8 * PASSED, word(mine, PATIENCE)
    if spun(gate, total - 1, patience):
        put_word(mine, PATIENCE, least(2 * patience, limit))
    else:
        put_word(mine, PATIENCE, most(quotient(patience, 2), LEAST_SPIN))
        sleep_past(gate, walked + 8 * PASSED_PARKED, total - 1)


@device
def ring(address, parked, value):
    """Writes the word and wakes who sleeps on it."""
    store_word(address, value)
    if FUTEX and load_word(parked) > 0:
        futex_wake(address, 1 << 30)


@device
def report(walked, did, total, launch):
    """Counts ``did`` finished chunks; the one that completes ``total`` opens the barrier before ``launch``."""
    if did > 0 and fetch_add(walked + 8 * DONE, did) + did == total:
        if load_word(word(walked, STATUS)) != 0:
            store_word(walked + 8 * HALT, 1)
        stamps = word(walked, STAMPS)
        if stamps != 0:
            put_word(stamps, launch, nanoseconds(CLOCK))
        ring(walked + 8 * PASSED, walked + 8 * PASSED_PARKED, total)


@device
def work(row, counter, me, team):
    """Claims and does chunks of the launch at ``row``; how many."""
    function, args, chunks = word(row, 0), word(row, 1), word(row, 2)
    shares = least(team, chunks)
    k, did = 0, 0
    while k < shares:
        share = remainder(me + k, shares)
        first, last = quotient(share * chunks, shares), quotient((share + 1) * chunks, shares)
        # a look first: whoever finds nothing left to take must not take the cache line from the others
        going = k == 0 or first + load_word(counter + 64 * share) < last
        while going:
            got = first + fetch_add(counter + 64 * share, 1)
            going = got < last
            if going:
                call(function, args, got, got + 1, me)
                did += 1
        k += 1
    return did


@device
def walk(control, walked, me):
    """Walks the table once; member 0 stays until all is done."""
    team, launches, stamps = word(control, TEAM), word(walked, LAUNCHES), word(walked, STAMPS)
    counters, limit, mine = word(walked, COUNTERS), word(control, SPIN), control + 8 * (MEMBERS + 8 * me)
    passed = load_word(walked + 8 * PASSED)
    did, total, i = 0, 0, 0  # total: chunks of the launches before i
    while i < launches:
        row = walked + 8 * TABLE + 32 * i
        if total > passed and (word(row, 3) != 0 or stamps != 0):
            report(walked, did, total, i)
            did = 0
            pass_gate(walked, total, mine, limit)
            passed = load_word(walked + 8 * PASSED)
        if load_word(walked + 8 * HALT) != 0:
            return
        total += word(row, 2)
        if total > passed:
            did += work(row, counters + 64 * team * i, me, team)
        i += 1
    if total > passed:
        report(walked, did, total, launches)
        if me == 0:
            pass_gate(walked, total, mine, limit)


@device
def begin(control, walked, order):
    """Makes the set ready and wakes the others; ``order``: table, launches, status, stamps."""
    team, table, launches = word(control, TEAM), word(order, 0), word(order, 1)
    t = 1
    while t < team:
        while load_word(control + 8 * (MEMBERS + 8 * t + INSIDE)) == walked:
            doze()
        t += 1
    i = 0
    while i < 4 * launches:
        put_word(walked, TABLE + i, word(table, i))
        i += 1
    counters = quotient(walked + 8 * TABLE + 32 * launches + 63, 64) * 64
    line = 0
    while line < launches * team:
        put_word(counters, 8 * line, 0)
        line += 1
    put_word(walked, LAUNCHES, launches)
    put_word(walked, STATUS, word(order, 2))
    put_word(walked, STAMPS, word(order, 3))
    put_word(walked, COUNTERS, counters)
    store_word(walked + 8 * DONE, 0)
    store_word(walked + 8 * PASSED, 0)
    store_word(walked + 8 * HALT, 0)
    if word(order, 3) != 0:
        put_word(word(order, 3), 0, nanoseconds(CLOCK))
    store_word(control + 8 * CURRENT, walked)
    ring(control + 8 * DOORBELL, control + 8 * DOORBELL_PARKED, load_word(control + 8 * DOORBELL) + 1)


@device
def join(control, me):
    """Member ``me`` takes part in the walk under way, if there is one."""
    inside = control + 8 * (MEMBERS + 8 * me + INSIDE)
    while True:
        walked = load_word(control + 8 * CURRENT)
        if walked == 0:
            return
        # said before it is looked at again: from there on the set is not used for another walk
        store_word(inside, walked)
        if load_word(control + 8 * CURRENT) == walked:
            walk(control, walked, me)
            store_word(inside, 0)
            return
        store_word(inside, 0)


def kernel(control, walked, order, me):
    """Member 0: one walk; others: walks until told to leave."""
    if X86:
        before = float_control()
        set_float_control(before | FLUSH)
    if me == 0:
        begin(control, walked, order)
        walk(control, walked, me)
        store_word(control + 8 * CURRENT, 0)
    else:
        bell, mine, seen = control + 8 * DOORBELL, control + 8 * (MEMBERS + 8 * me), 0
        while True:
            if not spun(bell, seen, IDLE * word(mine, PATIENCE)):
                sleep_past(bell, control + 8 * DOORBELL_PARKED, seen)
            seen = load_word(bell)
            if load_word(control + 8 * LEAVE) != 0:
                break
            join(control, me)
    if X86:
        set_float_control(before)
