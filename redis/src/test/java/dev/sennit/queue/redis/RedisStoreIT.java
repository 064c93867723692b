package dev.sennit.queue.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sennit.junit.WithServer;
import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.BrokerUri;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.DeadReason;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Rate;
import dev.sennit.queue.broker.Scope;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.TaskView;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.queue.broker.When;
import dev.sennit.testing.VirtualClock;
import dev.sennit.testing.server.ServerKind;
import dev.sennit.testing.server.TestServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the broker leaves in Redis, and what becomes of it if others have changed that. */
@WithServer(value = ServerKind.REDIS, fsync = false)
@Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RedisStoreIT {
    private static final Duration LEASE = Duration.ofSeconds(30);

    private final TestServer server;
    private final VirtualClock clock = VirtualClock.standing(VirtualClock.START);
    private final Console console;
    private final RedisBroker broker;

    RedisStoreIT(TestServer server) {
        this.server = server;
        console = new Console(server);
        console.run("FLUSHALL");
        broker = open();
    }

    private RedisBroker open() {
        return RedisBroker.open(new Address(BrokerUri.parse(server.uri() + "?prefix=store")), clock::now);
    }

    @AfterEach
    void close() {
        broker.close();
        console.close();
    }

    private static QueuedTask.Builder task(String id) {
        return QueuedTask.of("work", new byte[] {'1'}).id(id);
    }

    private List<Claim> claim(int most) {
        return broker.claim(new ClaimRequest("w", List.of("default", "q"), Set.of("work", "other"), most, LEASE))
                .claims();
    }

    private boolean complete(Claim claim) {
        return broker.complete(List.of(new Completion(claim.token(), new byte[] {'2'}, Batch.EMPTY))).getFirst();
    }

    private static void await(Callable<Boolean> condition) throws Exception {
        long start = System.nanoTime();
        while (!condition.call()) {
            assertThat(System.nanoTime() - start).as("nanoseconds").isLessThan(60_000_000_000L);
            Thread.sleep(5);
        }
    }

    @Test
    void nothingIsLeftOfTasksThatAreGone() {
        var random = new Random(5);
        for (int round = 0; round < 30; round++) {
            List<QueuedTask> tasks = new ArrayList<>();
            String root = "root" + round;
            String join = "join" + round;
            for (int i = 0; i < 3; i++) {
                tasks.add(task(join + "-" + i).part(new PartOf(join, i)).root(root).resultTtl(Duration.ofHours(i))
                        .build());
            }
            tasks.add(task(root).after(join).key(new KeyLimit("k" + random.nextInt(3), 1)).build());
            tasks.add(task("also" + round).after(join).root(root).queue("q").build());
            for (int i = 0; i < 10; i++) {
                tasks.add(task("task" + round + "-" + i).queue(random.nextBoolean() ? "default" : "q")
                        .priority(random.nextInt(10)).key(random.nextBoolean() ? new KeyLimit("k", 2) : null)
                        .unique(random.nextInt(3) == 0
                                ? new Unique("u" + random.nextInt(3), Unique.Until.values()[i % 2], null)
                                : null)
                        .due(random.nextInt(4) == 0 ? When.after(Duration.ofSeconds(random.nextInt(20))) : null)
                        .expires(random.nextInt(4) == 0 ? When.after(Duration.ofSeconds(15)) : null)
                        .onDead(List.of(task("callback").unique(new Unique("c", Unique.Until.PERIOD_OVER,
                                Duration.ofSeconds(5))).build()))
                        .build());
            }
            broker.enqueue(new Batch(tasks, List.of(new Join(join, 3, List.of(task("callback").build())))));
            for (Claim claim : claim(20)) {
                switch (random.nextInt(8)) {
                    case 0 -> broker.fail(List.of(new Failure(claim.token(), new ErrorInfo("E", "m", "s"),
                            new Failure.Die(DeadReason.FAILED))));
                    case 1 -> broker.fail(List.of(new Failure(claim.token(), new ErrorInfo("E", "m", "s"),
                            new Failure.RetryIn(Duration.ofSeconds(random.nextInt(3))))));
                    case 2 -> broker.fail(List.of(
                            new Failure(claim.token(), new ErrorInfo("E", "m", "s"), new Failure.GiveBack())));
                    case 3 -> broker.cancel(claim.token().id());
                    case 4 -> { // its worker is lost
                    }
                    default -> assertThat(complete(claim)).isTrue();
                }
            }
            clock.advance(Duration.ofSeconds(5));
            upkeep(Upkeep.Limits.USUAL);
            if (round % 10 == 5) {
                broker.replay(TaskFilter.ALL, random.nextBoolean() ? new byte[] {'3'} : null);
                broker.cancelAll("root" + (round - 1));
                broker.purge(TaskFilter.ALL.root("root" + (round - 2)));
            }
        }
        for (int i = 0;
                i < 100 && !broker.counts().stream().allMatch(each -> each.count(TaskState.DEAD) == each.counts()
                        .values().stream().mapToLong(Long::longValue).sum());
                i++) {
            claim(1000).forEach(this::complete);
            clock.advance(Duration.ofSeconds(40));
            upkeep(Upkeep.Limits.USUAL);
            if (i == 50) {
                broker.purge(TaskFilter.ALL.state(TaskState.DEAD)); // what waits for them is cancelled
            }
        }
        clock.advance(Duration.ofDays(40));
        upkeep(Upkeep.Limits.USUAL);
        clock.advance(Duration.ofDays(2)); // what was cancelled with the dead ones
        upkeep(Upkeep.Limits.USUAL);
        assertThat(broker.counts()).isEmpty();
        assertThat(console.list("KEYS", "*")).containsExactlyInAnyOrder("{store}:meta");
    }

    private void upkeep(Upkeep.Limits limits) {
        while (broker.upkeep(limits).more()) {
            // There is more to do.
        }
    }

    @Test
    void allKeysBeginWithThePrefix() {
        broker.keepEvents(Duration.ofHours(1));
        broker.pause(Scope.queue("other"));
        broker.limit("other", Rate.of(1, LEASE));
        broker.enqueue(Batch.of(task("a").unique(new Unique("u", Unique.Until.ENDED, null))
                .key(new KeyLimit("k", 1)).build(), task("b").key(new KeyLimit("k", 1)).build(),
                task("c").due(When.after(LEASE)).expires(When.after(LEASE)).root("r").build()));
        assertThat(console.list("KEYS", "*")).isNotEmpty().allSatisfy(key -> assertThat(key).startsWith("{store}:"));
    }

    @Test
    void tasksOfANewerVersionAreLeftAlone() {
        broker.enqueue(Batch.of(task("a").build()));
        open().close();
        console.run("HSET", "{store}:meta", "version", "2");
        assertThatThrownBy(this::open).isInstanceOfSatisfying(BrokerException.class,
                e -> assertThat(e.kind()).isEqualTo(BrokerException.Kind.UNUSABLE))
                .hasMessageContaining("has tasks in the form 2").hasMessageNotContaining("\n");
    }

    @Test
    void severalBrokersShareADatabase() {
        try (RedisBroker other = RedisBroker.open(server.uri() + "?prefix=other")) {
            broker.enqueue(Batch.of(task("a").build()));
            assertThat(other.find("a")).isEmpty();
            assertThat(other.enqueue(Batch.of(task("a").build())).getFirst().isDuplicate()).isFalse();
            assertThat(other.purge(TaskFilter.ALL)).isOne();
        }
        assertThat(broker.find("a")).isPresent();
    }

    @Test
    void scriptsThatTheServerHasForgottenAreSentAgain() {
        broker.enqueue(Batch.of(task("a").build()));
        console.run("SCRIPT", "FLUSH");
        assertThat(complete(claim(1).getFirst())).isTrue();
    }

    @Test
    void aTaskThatHasLostWhatEachHasIsDead() {
        broker.enqueue(Batch.of(task("state").build(), task("type").build(), task("queue").build(),
                task("priority").build(), task("number").build(), task("fine").build()));
        console.run("HSET", "{store}:t:state", "s", "nonsense");
        console.run("HDEL", "{store}:t:type", "y");
        console.run("HDEL", "{store}:t:queue", "q");
        console.run("HSET", "{store}:t:priority", "p", "");
        console.run("HSET", "{store}:t:number", "p", "nine");
        assertThat(claim(10)).extracting(claim -> claim.token().id()).containsExactly("fine");
        assertThat(broker.ended(List.of("state", "type", "queue", "priority", "number"))).hasSize(5)
                .allSatisfy(end -> assertThat(end).extracting(EndedTask::state, EndedTask::reason, EndedTask::type,
                        EndedTask::queue).containsExactly(TaskState.DEAD, DeadReason.UNREADABLE, "work", "default"));
        assertThat(broker.search(TaskFilter.ALL.state(TaskState.DEAD), 10)).hasSize(5)
                .allSatisfy(view -> assertThat(view.payload()).isEqualTo(new byte[] {'1'}));
        assertThat(claim(10)).isEmpty();
    }

    @Test
    void aDamagedTaskIsFoundInWhateverStateItWas() {
        KeyLimit one = new KeyLimit("k", 1);
        broker.enqueue(new Batch(List.of(task("running").priority(9).build(), task("first").key(one).build(),
                task("held").key(one).build(), task("next").key(one).build(),
                task("due").due(When.after(LEASE)).build(), task("part").part(new PartOf("j", 0)).queue("x").build(),
                task("blocked").after("j").expires(When.after(LEASE)).build(), task("ready").queue("x").build(),
                task("ended").build()), List.of(new Join("j", 1, List.of()))));
        assertThat(claim(1).getFirst().token().id()).isEqualTo("running");
        broker.cancel("ended");
        for (String id : List.of("running", "held", "due", "blocked", "ready", "ended")) {
            console.run("HSET", "{store}:t:" + id, "s", "x");
            console.run("HDEL", "{store}:t:" + id, "p");
        }
        assertThat(broker.search(TaskFilter.ALL.ids("ready"), 1)).extracting(TaskView::reason)
                .containsExactly(DeadReason.UNREADABLE);
        Claim first = claim(10).getFirst();
        assertThat(first.token().id()).isEqualTo("first");
        complete(first);
        assertThat(complete(claim(10).getFirst())).isTrue();
        assertThat(broker.find("next").orElseThrow().state()).isEqualTo(TaskState.SUCCEEDED);
        assertThat(broker.find("part").orElseThrow().state()).isEqualTo(TaskState.READY);
        clock.advance(LEASE.multipliedBy(2));
        upkeep(Upkeep.Limits.USUAL);
        clock.advance(Duration.ofDays(2));
        upkeep(Upkeep.Limits.USUAL);
        assertThat(broker.search(TaskFilter.ALL.reason(DeadReason.UNREADABLE), 10)).extracting(TaskView::id)
                .containsExactlyInAnyOrder("running", "held", "due", "blocked", "ready");
    }

    @Test
    void keysThatWereDeletedOrReplacedHarmNoOtherTask() {
        broker.enqueue(Batch.of(task("gone").build(), task("other").build(), task("fine").build(),
                task("running").priority(9).build(), task("due").due(When.after(LEASE)).build()));
        assertThat(claim(1).getFirst().token().id()).isEqualTo("running");
        console.run("DEL", "{store}:t:gone", "{store}:t:running", "{store}:t:due");
        console.run("DEL", "{store}:t:other");
        console.run("LPUSH", "{store}:t:other", "a list");
        assertThat(claim(10)).extracting(claim -> claim.token().id()).containsExactly("fine");
        clock.advance(LEASE.multipliedBy(2));
        assertThat(broker.upkeep(Upkeep.Limits.USUAL).takenBack()).isOne();
        assertThat(complete(claim(10).getFirst())).isTrue();
        assertThat(broker.search(TaskFilter.ALL, 10)).hasSize(1);
        assertThat(broker.upkeep(Upkeep.Limits.USUAL)).isEqualTo(Upkeep.NOTHING);
    }

    @Test
    void largeArgumentsComeAFewAtATime() {
        for (int i = 0; i < 12; i++) {
            broker.enqueue(Batch.of(QueuedTask.of("work", new byte[1_000_000]).build()));
        }
        int claimed = 0;
        for (int looks = 0; claimed < 12; looks++) {
            assertThat(looks).isLessThan(12);
            var answer = broker.claim(new ClaimRequest("w", List.of("default"), Set.of("work"), 12, LEASE));
            assertThat(answer.claims().size()).isBetween(1, 4);
            claimed += answer.claims().size();
            if (claimed < 12) {
                assertThat(answer.lookAgainIn()).isEqualTo(Duration.ofMillis(1));
            }
        }
    }

    @Test
    void aCallerThatIsInterruptedBreaksNothing() throws Exception {
        var done = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            String id = "task" + i;
            threads.add(Thread.ofVirtual().start(() -> {
                Thread.currentThread().interrupt();
                broker.enqueue(Batch.of(task(id).build()));
                if (Thread.interrupted()) {
                    done.incrementAndGet();
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(done).hasValue(20);
        assertThat(claim(100)).hasSize(20);
    }

    @Test
    void callersOnManyVirtualThreadsShareTwoConnections() throws Exception {
        int callers = 500;
        var begin = new CountDownLatch(1);
        var failures = new ConcurrentLinkedQueue<Throwable>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < callers; i++) {
            String id = "task" + i;
            threads.add(Thread.ofVirtual().start(() -> {
                try {
                    begin.await();
                    broker.enqueue(Batch.of(task(id).build()));
                    broker.find(id).orElseThrow();
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        begin.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(claim(1000)).hasSize(callers);
        assertThat(console.text("CLIENT", "LIST").lines().filter(line -> line.contains("name=sennit")))
                .hasSizeLessThanOrEqualTo(2);
    }

    @Test
    void aListenerHearsAgainAfterItsConnectionWasCut() throws Exception {
        var work = new AtomicInteger();
        var ends = new ConcurrentLinkedQueue<String>();
        broker.subscribe(new BrokerListener.Interest(Set.of("default"), "me", null), new BrokerListener() {
            @Override
            public void workMayBeReady() {
                work.incrementAndGet();
            }

            @Override
            public void ended(EndedTask end) {
                ends.add(end.id());
            }
        });
        broker.enqueue(Batch.of(task("first").replyTo("me").build()));
        await(() -> work.get() > 0);
        complete(claim(1).getFirst());
        await(() -> ends.contains("first"));
        int before = work.get();
        cutSubscriptions();
        await(() -> work.get() > before); // it is told to look again
        for (int i = 0; i < 100 && ends.size() < 2; i++) { // pushes before it hears again are lost
            broker.enqueue(Batch.of(task("next" + i).replyTo("me").build()));
            complete(claim(1).getFirst());
            Thread.sleep(20);
        }
        await(() -> ends.size() > 1);
    }

    private void cutSubscriptions() {
        console.run("CLIENT", "KILL", "TYPE", "pubsub");
    }

    @Test
    void anotherJoinWithTheSameIdIsRefusedAndChangesNothing() {
        var first =
                new Batch(List.of(task("p").part(new PartOf("j", 0)).build()), List.of(new Join("j", 1, List.of())));
        broker.enqueue(first);
        var second = new Batch(List.of(task("q").part(new PartOf("j", 0)).build(), task("r").build()),
                List.of(new Join("j", 1, List.of())));
        assertThatThrownBy(() -> broker.enqueue(second)).isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is another join with the id j");
        Claim claim = claim(5).getFirst();
        assertThatThrownBy(() -> broker.complete(List.of(new Completion(claim.token(), new byte[] {'1'}, second))))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(broker.find("p").orElseThrow().state()).isEqualTo(TaskState.RUNNING);
        assertThat(broker.find("r")).isEmpty();
        assertThat(complete(claim)).isTrue();
    }
}
