"""The plan walker: what each member of the team runs, in native code, without the GIL.

``kernel(control, 0, 0, 0)`` walks the table once as member 0, ringing the
others; ``kernel(control, 0, 0, t)`` is the life of member t: sleep at the
doorbell, walk, again, until told to leave.

The table holds (function, args, chunks, barrier) a launch. Chunks are claimed
from atomic counters: own share first, then the others'. Launches without
barrier overlap. At a barrier all members meet; the last to arrive looks at the
status word and, where a guard has set it, halts the walk: it alone decides,
while all others wait, so all see the same.
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
from runtime.cpu.simd import call, device, least, most, put_word, quotient, remainder, word

X86 = True
FUTEX = True
CLOCK = 1

# the control block, in words; what different threads write lies a cache line apart
DOORBELL, DOORBELL_PARKED, LEAVE, ARRIVALS, GENERATION, GENERATION_PARKED, HALT = 0, 8, 16, 24, 32, 40, 48
TABLE, LAUNCHES, COUNTERS, STATUS, SPIN, TEAM, STAMPS = 56, 57, 58, 59, 60, 61, 62
SPINS = 64  # one cache line a member
LEAST_SPIN = 2000
FLUSH = 0x8040  # flush denormal results to zero, take denormal operands as zero


@device
def wait_past(address, parked, seen, mine, limit):
    """Returns once the word exceeds ``seen``: spins, then sleeps.

    The time to spin, in ticks, is at ``mine``: doubled up to ``limit`` where
    spinning was enough, halved where it was not. On a machine with other work
    the thread waited for may need the very core we spin on.
    """
    spin = word(mine, 0)
    if X86:
        start = ticks()
        while ticks() - start < spin:
            if load_word(address) > seen:
                put_word(mine, 0, least(2 * spin, limit))
                return
            pause()
    else:
        turn = 0
        while turn < spin:
            if load_word(address) > seen:
                put_word(mine, 0, least(2 * spin, limit))
                return
            turn += 16
    put_word(mine, 0, most(quotient(spin, 2), LEAST_SPIN))
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
def ring(address, parked, value):
    """Writes the word and wakes who sleeps on it."""
    store_word(address, value)
    if FUTEX and load_word(parked) > 0:
        futex_wake(address, 1 << 30)


@device
def meet(control, meeting, base, mine):
    """Barrier number ``meeting`` (from 1) of a walk begun at generation ``base``; True if the walk is to halt."""
    generation = base + meeting
    if fetch_add(control + 8 * ARRIVALS, 1) + 1 == meeting * word(control, TEAM):
        if load_word(word(control, STATUS)) != 0:
            store_word(control + 8 * HALT, generation)
        stamps = word(control, STAMPS)
        if stamps != 0:
            store_word(stamps + 8 * meeting, nanoseconds(CLOCK))
        ring(control + 8 * GENERATION, control + 8 * GENERATION_PARKED, generation)
    else:
        wait_past(control + 8 * GENERATION, control + 8 * GENERATION_PARKED, generation - 1, mine, word(control, SPIN))
    return load_word(control + 8 * HALT) == generation


@device
def work(row, counter, me, team):
    """Claims and does chunks of the launch at ``row``."""
    function, args, chunks = word(row, 0), word(row, 1), word(row, 2)
    shares = least(team, chunks)
    k = 0
    while k < shares:
        share = remainder(me + k, shares)
        first, last = quotient(share * chunks, shares), quotient((share + 1) * chunks, shares)
        while True:
            got = first + fetch_add(counter + 64 * share, 1)
            if got >= last:
                break
            call(function, args, got, got + 1, me)
        k += 1


@device
def walk(control, me):
    """Walks the table once."""
    team, table, launches = word(control, TEAM), word(control, TABLE), word(control, LAUNCHES)
    counters, stamps = word(control, COUNTERS), word(control, STAMPS)
    base, mine = load_word(control + 8 * GENERATION), control + 8 * (SPINS + 8 * me)
    meeting = 0
    i = 0
    while i < launches:
        row = table + 32 * i
        if i > 0 and (word(row, 3) != 0 or stamps != 0):
            meeting += 1
            if meet(control, meeting, base, mine):
                return
        work(row, counters + 64 * team * i, me, team)
        i += 1
    meet(control, meeting + 1, base, mine)


@device
def begin(control):
    """Clears the counters and wakes the others."""
    counters = word(control, COUNTERS)
    line, lines = 0, word(control, LAUNCHES) * word(control, TEAM)
    while line < lines:
        put_word(counters, 8 * line, 0)
        line += 1
    store_word(control + 8 * ARRIVALS, 0)
    if word(control, STAMPS) != 0:
        store_word(word(control, STAMPS), nanoseconds(CLOCK))
    ring(control + 8 * DOORBELL, control + 8 * DOORBELL_PARKED, load_word(control + 8 * DOORBELL) + 1)


def kernel(control, first, last, me):
    """Member 0: one walk; others: walks until told to leave."""
    if X86:
        before = float_control()
        set_float_control(before | FLUSH)
    if me == 0:
        begin(control)
        walk(control, me)
    else:
        seen, mine = 0, control + 8 * (SPINS + 8 * me)
        while True:
            wait_past(control + 8 * DOORBELL, control + 8 * DOORBELL_PARKED, seen, mine, word(control, SPIN))
            seen = load_word(control + 8 * DOORBELL)
            if load_word(control + 8 * LEAVE) != 0:
                break
            walk(control, me)
    if X86:
        set_float_control(before)
