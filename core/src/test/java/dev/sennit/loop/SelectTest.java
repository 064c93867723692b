package dev.sennit.loop;

import static dev.sennit.loop.Select.after;
import static dev.sennit.loop.Select.orElse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.conformance.internal.Caller;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class SelectTest {
    private static final Duration LONG = Duration.ofDays(1);

    private final Channel<Integer> a = new Channel<>(2);
    private final Channel<String> b = new Channel<>(2);
    private final Channel<Integer> meeting = new Channel<>(0);

    @AfterEach
    void noInterruptIsLeft() {
        assertThat(Thread.interrupted()).isFalse();
    }

    private static <T> Caller<T> waiting(Kind kind, Callable<T> call) {
        Caller<T> caller = Caller.on(kind.threads, call);
        caller.awaitWaitingIn("await");
        return caller;
    }

    private void assertNobodyWaits() {
        assertThat(List.of(a, b, meeting))
                .allSatisfy(one -> assertThat(one.toString()).endsWith("waiting: 0 to send, 0 to receive]"));
    }

    // ---- without waiting ----

    @Test
    void takesWhatIsReadyAndLeavesTheRest() throws Exception {
        b.send("x");
        String got = Select.from(
                a.receiving(one -> "a" + one), b.receiving(one -> "b" + one), meeting.sending(1, () -> "met"));
        assertThat(got).isEqualTo("bx");
        assertThat(b.size()).isZero();
        assertNobodyWaits();
    }

    @Test
    void sendsWhereThereIsRoom() throws Exception {
        a.send(1);
        a.send(2);
        assertThat(
                Select.<Object>from(a.sending(3, () -> 3), b.sending("x", () -> "sent"), meeting.receiving(one -> one)))
                .isEqualTo("sent");
        assertThat(a.size()).isEqualTo(2);
        assertThat(b.receive()).isEqualTo("x");
    }

    @Test
    void choosesAmongThoseReadyWithoutFavour() throws Exception {
        int rounds = 4_000;
        int[] chosen = new int[4];
        var c = new Channel<Integer>(1);
        for (int i = 0; i < rounds; i++) {
            a.send(0);
            c.send(3);
            int one = Select.from(
                    a.receiving(element -> element), meeting.receiving(element -> 1), b.sending("x", () -> 2),
                    c.receiving(element -> 3));
            chosen[one]++;
            a.tryReceive();
            b.tryReceive();
            c.tryReceive();
        }
        assertThat(chosen[1]).isZero();
        for (int ready : new int[] {0, 2, 3}) {
            assertThat(chosen[ready]).isBetween(rounds / 3 - rounds / 12, rounds / 3 + rounds / 12);
        }
    }

    @Test
    void orElseHappensWhenNothingCan() throws Exception {
        String[] seen = new String[2];
        for (int i = 0; i < 2; i++) {
            seen[i] = Select.from(a.receiving(one -> "a" + one), orElse(() -> "nothing"));
            a.send(i);
        }
        assertThat(seen).containsExactly("nothing", "a0");
        assertThat(a.receive()).isEqualTo(1);
        assertThat(Select.<String>from(a.receiving(one -> "a" + one), after(Duration.ZERO, () -> "no time")))
                .isEqualTo("no time");
        assertThat(Select.<String>from(a.receiving(one -> "a" + one), after(Duration.ofSeconds(-1), () -> "late")))
                .isEqualTo("late");
        assertNobodyWaits();
    }

    @Test
    void clausesCanBeUsedAgainAndBeAny() throws Exception {
        List<Select.Clause<Integer>> clauses = new ArrayList<>();
        clauses.add(a.receiving(one -> one));
        clauses.add(orElse(() -> -1));
        assertThat(Select.from(clauses)).isEqualTo(-1);
        a.send(1);
        a.send(2);
        assertThat(Select.from(clauses)).isEqualTo(1);
        assertThat(Select.from(clauses)).isEqualTo(2);
        Integer nothing = Select.from(a.receiving(one -> one), orElse(() -> null));
        assertThat(nothing).isNull();
    }

    @Test
    void refusesWhatMakesNoSense() {
        assertThatThrownBy(() -> Select.from(orElse(() -> 1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a select needs a clause that receives or sends, had none");
        assertThatThrownBy(() -> Select.from(List.of())).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Select.from(a.receiving(one -> 1), orElse(() -> 1), after(LONG, () -> 2)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a select may have one orElse or one after, had more");
        assertThatThrownBy(() -> a.sending(null, () -> 1)).isInstanceOf(NullPointerException.class)
                .hasMessage("element");
        assertThatThrownBy(() -> a.receiving(null)).isInstanceOf(NullPointerException.class).hasMessage("action");
    }

    @Test
    void theActionRunsAfterwardsAndMayUseTheChannelsOrThrow() throws Exception {
        a.send(1);
        assertThat(Select.<Integer>from(a.receiving(one -> {
            assertThat(a.trySend(one + 1)).isTrue();
            assertThat(Caller.of(a::tryReceive)).satisfies(other -> assertThat(other.result()).isEqualTo(2));
            return one;
        }))).isEqualTo(1);
        a.send(3);
        assertThatThrownBy(() -> Select.<Integer>from(a.receiving(one -> {
            throw new IllegalStateException("no " + one);
        }))).hasMessage("no 3");
        assertThat(a.size()).as("it was received all the same").isZero();
    }

    // ---- waiting ----

    @ParameterizedTest
    @EnumSource
    void waitsUntilOneCanHappen(Kind kind) throws Exception {
        for (int i = 0; i < 3; i++) {
            Caller<String> caller = waiting(kind, () -> Select.from(
                    a.receiving(one -> "a" + one),
                    b.receiving(one -> "b" + one),
                    meeting.sending(7, () -> "met"),
                    after(LONG, () -> "late")));
            String expected = switch (i) {
                case 0 -> {
                    assertThat(a.trySend(1)).isTrue();
                    yield "a1";
                }
                case 1 -> {
                    b.send("x");
                    yield "bx";
                }
                default -> {
                    assertThat(meeting.tryReceive()).isEqualTo(7);
                    yield "met";
                }
            };
            assertThat(caller.result()).isEqualTo(expected);
            assertNobodyWaits();
            assertThat(a.size() + b.size()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void afterHappensWhenTheTimeIsOver(Kind kind) throws Exception {
        Caller<String> caller = Caller.on(kind.threads,
                () -> Select.from(a.receiving(one -> "a" + one), after(Duration.ofMillis(1), () -> "late")));
        assertThat(caller.result()).isEqualTo("late");
        assertNobodyWaits();
    }

    @ParameterizedTest
    @EnumSource
    void anInterruptedSelectDoesNothing(Kind kind) throws Exception {
        Caller<String> caller =
                waiting(kind, () -> Select.from(a.receiving(one -> "a" + one), meeting.sending(7, () -> "met")));
        caller.interrupt();
        assertThat(caller.failure()).isInstanceOf(InterruptedException.class);
        assertNobodyWaits();
        assertThat(meeting.tryReceive()).isNull();
        a.send(1);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Select.from(a.receiving(one -> one))).isInstanceOf(InterruptedException.class);
        assertThat(a.size()).isOne();
    }

    @Test
    void anInterruptOrTheEndOfTheTimeBehindAClauseComesTooLate() throws Exception {
        var loop = new ByHand();
        List<String> seen = new ArrayList<>();
        Runnable select = () -> {
            try {
                seen.add(Select.<String>from(
                        a.receiving(one -> "a" + one), b.receiving(one -> "b" + one), after(LONG, () -> "late")));
            } catch (InterruptedException e) {
                seen.add("lost");
            }
            seen.add("interrupted " + Thread.interrupted());
        };
        Thread first = loop.parked(select);
        a.send(1);
        b.send("x");
        first.interrupt();
        loop.timeIsOver();
        loop.runAll();
        assertThat(seen).containsExactly("a1", "interrupted true");
        assertThat(b.receive()).as("of the other clause").isEqualTo("x");
    }

    @Test
    void aSelectStandsInLineLikeOthers() {
        var loop = new ByHand();
        List<String> seen = new ArrayList<>();
        Runnable receive = () -> {
            try {
                seen.add("receive " + meeting.receive());
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        };
        loop.parked(receive);
        loop.parked(() -> {
            try {
                seen.add(Select.<String>from(a.receiving(one -> "a"), meeting.receiving(one -> "select " + one)));
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        loop.parked(receive);
        for (int i = 1; i <= 3; i++) {
            assertThat(meeting.trySend(i)).isTrue();
        }
        loop.runAll();
        assertThat(seen).containsExactly("receive 1", "select 2", "receive 3");
    }

    @ParameterizedTest
    @EnumSource
    void selectsMeetEachOtherButNotThemselves(Kind kind) throws Exception {
        Callable<String> both =
                () -> Select.from(meeting.sending(1, () -> "sent"), meeting.receiving(one -> "received"),
                        meeting.receiving(one -> "received"));
        Caller<String> first = waiting(kind, both);
        Caller<String> second = Caller.on(kind.threads, both);
        assertThat(List.of(first.result(), second.result())).containsExactlyInAnyOrder("sent", "received");
        assertNobodyWaits();
    }

    // ---- closed channels ----

    @Test
    void aClosedChannelThrowsOrDoesWhatTheClauseSays() throws Exception {
        a.send(1);
        a.close();
        assertThat(Select.<Integer>from(a.receiving(one -> one))).as("what is in comes out first").isEqualTo(1);
        assertThatThrownBy(() -> Select.<Object>from(a.receiving(one -> one), b.receiving(one -> one)))
                .isInstanceOf(ChannelClosedException.class);
        assertThatThrownBy(() -> Select.from(a.sending(1, () -> 1), orElse(() -> 2)))
                .isInstanceOf(ChannelClosedException.class);
        var failure = new IOException("disk full");
        b.send("x");
        b.close(failure);
        assertThat(Select.<Object>from(b.<Object>sending("y", () -> "sent").whenClosed(Throwable::getCause)))
                .isEqualTo(failure);
        assertThat(Select.<Object>from(b.receiving(one -> one).whenClosed(e -> "closed"))).isEqualTo("x");
        assertThat(
                Select.<Object>from(b.receiving(one -> one).whenClosed(e -> "closed"), meeting.receiving(one -> one)))
                .isEqualTo("closed");
        assertNobodyWaits();
    }

    @ParameterizedTest
    @EnumSource
    void closingWakesASelect(Kind kind) throws Exception {
        a.send(1);
        a.send(2);
        Caller<Object> thrower = waiting(kind, () -> Select.<Object>from(
                a.sending(3, () -> "sent"), b.receiving(one -> one), meeting.receiving(one -> one)));
        Caller<Object> counter = waiting(kind, () -> Select.<Object>from(
                b.receiving(one -> one), a.sending(4, () -> "sent").whenClosed(e -> "closed")));
        a.close();
        assertThat(thrower.failure()).isInstanceOf(ChannelClosedException.class);
        assertThat(counter.result()).isEqualTo("closed");
        assertNobodyWaits();
        assertThat(a.stream()).containsExactly(1, 2);

        Caller<Object> receiver = waiting(kind, () -> Select.<Object>from(
                b.receiving(one -> one).whenClosed(e -> "closed"), meeting.receiving(one -> one)));
        b.close();
        assertThat(receiver.result()).isEqualTo("closed");
    }

    @Test
    void thoseWaitingForTheSameAreAllSentHome() throws Exception {
        List<Caller<Integer>> callers = new ArrayList<>();
        for (Kind kind : Kind.values()) {
            callers.add(waiting(kind, () -> Select.from(a.receiving(one -> one), meeting.receiving(one -> one))));
        }
        meeting.close();
        for (Caller<Integer> caller : callers) {
            assertThat(caller.failure()).isInstanceOf(ChannelClosedException.class);
        }
        assertNobodyWaits();
    }

    // ---- many ----

    /** Would end in a deadlock if the order of the clauses were the order of the locks. */
    @Test
    void selectsInEachOthersWayEnd() throws Exception {
        var there = new Channel<Integer>(0);
        var back = new Channel<Integer>(0);
        var sent = new AtomicInteger();
        var received = new AtomicInteger();
        List<Caller<Boolean>> callers = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            boolean turned = t % 2 == 0;
            callers.add(Caller.on(Kind.values()[t % 3].threads, () -> {
                Select.Clause<Integer> send = there.sending(1, sent::incrementAndGet);
                Select.Clause<Integer> receive = back.receiving(one -> received.incrementAndGet());
                Select.Clause<Integer> sendBack = back.sending(1, sent::incrementAndGet);
                Select.Clause<Integer> receiveThere = there.receiving(one -> received.incrementAndGet());
                for (int i = 0; i < 2_000; i++) {
                    Select.from(turned ? List.of(send, receive) : List.of(sendBack, receiveThere));
                }
                return true;
            }));
        }
        for (Caller<Boolean> caller : callers) {
            caller.result();
        }
        assertThat(sent.get()).isEqualTo(4_000);
        assertThat(received.get()).isEqualTo(4_000);
    }
}
