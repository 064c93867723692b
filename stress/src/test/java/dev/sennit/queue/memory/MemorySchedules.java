package dev.sennit.queue.memory;

import dev.sennit.queue.broker.Batch;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerListener;
import dev.sennit.queue.broker.Claim;
import dev.sennit.queue.broker.ClaimRequest;
import dev.sennit.queue.broker.Completion;
import dev.sennit.queue.broker.EndedTask;
import dev.sennit.queue.broker.ErrorInfo;
import dev.sennit.queue.broker.Failure;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.Join;
import dev.sennit.queue.broker.KeyLimit;
import dev.sennit.queue.broker.LeaseState;
import dev.sennit.queue.broker.PartOf;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.Renewal;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.TaskFilter;
import dev.sennit.queue.broker.TaskState;
import dev.sennit.queue.broker.Unique;
import dev.sennit.queue.broker.Upkeep;
import dev.sennit.testing.ScheduleExplorer;
import dev.sennit.testing.VirtualClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What threads do to a broker in memory at the same moment, for {@code MemorySchedulesTest}: each task is claimed,
 * completed and told of once, and no wait hangs.
 */
final class MemorySchedules {
    private static final Duration LEASE = Duration.ofSeconds(10);

    private MemorySchedules() {}

    static List<Class<? extends ScheduleExplorer.Body>> all() {
        return List.of(ClaimMeetsClaim.class, CompletionMeetsTakeBack.class, RenewalMeetsTakeBack.class,
                CancelMeetsCompletion.class, CancelMeetsClaim.class, LastPartsMeet.class, EnqueueMeetsEnqueue.class,
                KeyMeetsLimit.class, FiringsMeet.class, ListenerMeetsWork.class, CloseMeetsListener.class,
                CloseMeetsClaim.class, NamesMeet.class);
    }

    /** The same steps without the lock. */
    static List<Class<? extends ScheduleExplorer.Body>> canaries() {
        return List.of(ClaimsWithoutLock.class, CompletionsWithoutLock.class, ListenerThatIsLate.class);
    }

    private static QueuedTask.Builder task(String id) {
        return QueuedTask.of("work", new byte[] {'1'}).id(id);
    }

    private static ClaimRequest request(int most) {
        return new ClaimRequest("worker", List.of("default"), Set.of("work"), most, LEASE);
    }

    private static Completion completion(Claim claim) {
        return new Completion(claim.token(), new byte[] {'2'}, Batch.EMPTY);
    }

    private static boolean complete(Broker broker, Claim claim) {
        return broker.complete(List.of(completion(claim))).getFirst();
    }

    private static void check(boolean holds, Object found) {
        if (!holds) {
            throw new AssertionError("found " + found);
        }
    }

    /** Does something in a thread. */
    private interface Part {
        void run() throws Exception;
    }

    private static Thread begin(Part part) {
        return Thread.startVirtualThread(() -> {
            try {
                part.run();
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
    }

    private static void together(Part... parts) throws InterruptedException {
        List<Thread> threads = new ArrayList<>();
        for (Part part : parts) {
            threads.add(begin(part));
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }

    private static VirtualClock clock() {
        return VirtualClock.standing(VirtualClock.START);
    }

    static final class ClaimMeetsClaim implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            broker.enqueue(Batch.of(task("a").build(), task("b").build(), task("c").build()));
            var claimed = new AtomicInteger();
            Part claim = () -> claimed.addAndGet(broker.claim(request(2)).claims().size());
            together(claim, claim, claim);
            check(claimed.get() == 3, claimed);
            check(broker.counts().getFirst().count(TaskState.RUNNING) == 3, broker.counts());
        }
    }

    static final class CompletionMeetsTakeBack implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            VirtualClock clock = clock();
            var broker = new MemoryBroker(clock);
            broker.enqueue(Batch.of(task("a").build()));
            Claim first = broker.claim(request(1)).claims().getFirst();
            clock.advance(LEASE);
            var completed = new AtomicInteger();
            together(() -> {
                if (complete(broker, first)) {
                    completed.incrementAndGet();
                }
            }, () -> {
                broker.upkeep(Upkeep.Limits.USUAL);
                for (Claim second : broker.claim(request(1)).claims()) {
                    check(second.token().attempt() == 2, second);
                    if (complete(broker, second)) {
                        completed.incrementAndGet();
                    }
                }
            });
            check(completed.get() == 1, completed);
            check(broker.ended(List.of("a")).getFirst().state() == TaskState.SUCCEEDED, broker.ended(List.of("a")));
        }
    }

    static final class RenewalMeetsTakeBack implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            VirtualClock clock = clock();
            var broker = new MemoryBroker(clock);
            broker.enqueue(Batch.of(task("a").build()));
            Claim claim = broker.claim(request(1)).claims().getFirst();
            clock.advance(LEASE);
            var state = new AtomicReference<LeaseState>();
            var taken = new AtomicInteger();
            together(() -> state.set(broker.extend(List.of(Renewal.of(claim.token())), LEASE).getFirst()),
                    () -> taken.set(broker.upkeep(Upkeep.Limits.USUAL).takenBack()));
            check((state.get() == LeaseState.LOST) == (taken.get() == 1), state + ", taken back " + taken);
            check(broker.claim(request(1)).claims().size() == taken.get(), taken);
        }
    }

    static final class CancelMeetsCompletion implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            broker.enqueue(Batch.of(task("a").replyTo("me").build()));
            var heard = new AtomicInteger();
            var told = new CountDownLatch(1);
            broker.subscribe(new BrokerListener.Interest(Set.of(), "me", "worker"), new BrokerListener() {
                @Override
                public void ended(EndedTask end) {
                    heard.incrementAndGet();
                    told.countDown();
                }
            });
            Claim claim = broker.claim(request(1)).claims().getFirst();
            var state = new AtomicReference<TaskState>();
            together(() -> state.set(broker.cancel("a")), () -> check(complete(broker, claim), "refused"));
            check(state.get() == TaskState.RUNNING || state.get() == TaskState.SUCCEEDED, state);
            told.await();
            broker.close();
            check(heard.get() == 1, heard);
        }
    }

    static final class CancelMeetsClaim implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            broker.enqueue(Batch.of(task("a").build()));
            var state = new AtomicReference<TaskState>();
            var claims = new AtomicReference<List<Claim>>(List.of());
            together(() -> state.set(broker.cancel("a")), () -> claims.set(broker.claim(request(1)).claims()));
            check((state.get() == TaskState.RUNNING) == (claims.get().size() == 1), state);
            for (Claim claim : claims.get()) {
                var failure = new Failure(claim.token(), new ErrorInfo("x", "", ""), new Failure.GiveBack());
                check(broker.fail(List.of(failure)).getFirst(), "refused");
            }
            check(broker.cancel("a") == TaskState.CANCELLED, broker.find("a"));
        }
    }

    static final class LastPartsMeet implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            broker.enqueue(new Batch(List.of(task("a").part(new PartOf("j", 0)).build(),
                    task("b").part(new PartOf("j", 1)).build(), task("c").after("j").build()),
                    List.of(new Join("j", 2, List.of()))));
            var ran = new AtomicInteger();
            Part work = () -> {
                for (List<Claim> claims = broker.claim(request(1)).claims(); !claims.isEmpty();
                        claims = broker.claim(request(1)).claims()) {
                    Claim claim = claims.getFirst();
                    check(claim.inputs().size() == (claim.token().id().equals("c") ? 2 : 0), claim);
                    ran.incrementAndGet();
                    check(complete(broker, claim), "refused");
                }
            };
            together(work, work);
            check(ran.get() == 3, ran);
        }
    }

    static final class EnqueueMeetsEnqueue implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            var unique = new Unique("k", Unique.Until.ENDED, null);
            var kept = new AtomicInteger();
            Batch same = Batch.of(task("same").build());
            together(() -> {
                broker.enqueue(same);
                kept.addAndGet(broker.enqueue(Batch.of(task("a").unique(unique).build())).getFirst().isDuplicate()
                        ? 0
                        : 1);
            }, () -> {
                broker.enqueue(same);
                kept.addAndGet(broker.enqueue(Batch.of(task("b").unique(unique).build())).getFirst().isDuplicate()
                        ? 0
                        : 1);
            });
            check(kept.get() == 1, kept);
            check(broker.claim(request(9)).claims().size() == 2, broker.counts());
        }
    }

    static final class KeyMeetsLimit implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            var key = new KeyLimit("k", 1);
            broker.enqueue(Batch.of(task("a").key(key).build(), task("b").key(key).build(),
                    task("c").key(key).build()));
            var running = new AtomicInteger();
            var order = new AtomicReference<>("");
            Part work = () -> {
                for (List<Claim> claims = broker.claim(request(2)).claims(); !claims.isEmpty();
                        claims = broker.claim(request(2)).claims()) {
                    check(claims.size() == 1 && running.incrementAndGet() == 1, claims);
                    order.updateAndGet(before -> before + claimId(broker));
                    running.decrementAndGet();
                    check(complete(broker, claims.getFirst()), "refused");
                }
            };
            together(work, work);
            broker.claim(request(9)).claims().forEach(claim -> complete(broker, claim));
            check("abc".startsWith(order.get()), order);
        }

        private static String claimId(MemoryBroker broker) {
            return broker.search(TaskFilter.ALL.state(TaskState.RUNNING), 1).getFirst().id();
        }
    }

    static final class FiringsMeet implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            VirtualClock clock = clock();
            var broker = new MemoryBroker(clock);
            broker.putSchedule(new ScheduleEntry("s", "every PT1S", "UTC", task("t").build(),
                    ScheduleEntry.Missed.ONCE, ScheduleEntry.Overlap.ALLOW, false, clock.now(), null, null), null);
            var fired = new AtomicInteger();
            var due = clock.now();
            List<Part> parts = new ArrayList<>();
            for (String id : List.of("a", "b")) {
                parts.add(() -> {
                    var firing = new Firing("s", due, due.plusSeconds(1), List.of(task(id).build()), false);
                    if (broker.fire(firing) == Firing.Outcome.FIRED) {
                        fired.incrementAndGet();
                    }
                });
            }
            together(parts.toArray(Part[]::new));
            check(fired.get() == 1, fired);
            check(broker.claim(request(9)).claims().size() == 1, broker.counts());
        }
    }

    /** Each task that comes is heard of: a worker that waits for the call takes all. */
    static final class ListenerMeetsWork implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            var left = new CountDownLatch(3);
            broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, null), new BrokerListener() {
                @Override
                public void workMayBeReady() {
                    broker.claim(request(9)).claims().forEach(_ -> left.countDown());
                }
            });
            together(() -> broker.enqueue(Batch.of(task("a").build())),
                    () -> broker.enqueue(Batch.of(task("b").build(), task("c").build())));
            left.await(); // a call that is missing is a deadlock
            broker.close();
        }
    }

    /** When a subscription has been closed, no call is running and none follows. */
    static final class CloseMeetsListener implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            var isClosed = new AtomicBoolean();
            var late = new AtomicInteger(); // what a listener throws is logged only
            Broker.Subscription subscription = broker.subscribe(
                    new BrokerListener.Interest(Set.of("default"), null, null), new BrokerListener() {
                        @Override
                        public void workMayBeReady() {
                            late.addAndGet(isClosed.get() ? 1 : 0);
                            Thread.yield();
                            late.addAndGet(isClosed.get() ? 1 : 0);
                        }
                    });
            together(() -> broker.enqueue(Batch.of(task("a").build())), () -> {
                subscription.close();
                isClosed.set(true);
            }, () -> broker.enqueue(Batch.of(task("b").build())));
            broker.close();
            check(late.get() == 0, late + " calls after the close");
        }
    }

    static final class CloseMeetsClaim implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var first = new MemoryBroker(clock());
            MemoryBroker second = first.again();
            first.enqueue(Batch.of(task("a").build()));
            together(first::close, () -> {
                try {
                    first.again().close();
                } catch (IllegalStateException e) {
                    check(e.getMessage().contains("closed"), e);
                }
            }, () -> check(second.claim(request(1)).claims().size() == 1, "nothing"));
            check(second.counts().size() == 1, second.counts());
        }
    }

    /** Who has opened a name can use it, whoever closes it meanwhile. */
    static final class NamesMeet implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            Part use = () -> {
                try (MemoryBroker broker = MemoryBroker.named("meet")) {
                    broker.enqueue(Batch.of(task("a").build()));
                    check(broker.find("a").isPresent(), "lost");
                }
            };
            together(use, use);
            try (MemoryBroker broker = MemoryBroker.named("meet")) {
                check(broker.find("a").isEmpty(), "kept");
            }
        }
    }

    // ---- the canaries ----

    static final class ClaimsWithoutLock implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var store = new Store("", clock());
            store.tasks.enqueue(Batch.of(task("a").build()));
            var claimed = new AtomicInteger();
            Part claim = () -> claimed.addAndGet(store.tasks.claim(request(1)).claims().size());
            together(claim, claim);
            check(claimed.get() == 1, claimed);
        }
    }

    static final class CompletionsWithoutLock implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var store = new Store("", clock());
            store.tasks.enqueue(new Batch(List.of(task("a").part(new PartOf("j", 0)).build(),
                    task("b").part(new PartOf("j", 1)).build(), task("c").after("j").build()),
                    List.of(new Join("j", 2, List.of()))));
            List<Claim> claims = store.tasks.claim(request(2)).claims();
            together(() -> store.tasks.complete(completion(claims.get(0))),
                    () -> store.tasks.complete(completion(claims.get(1))));
            check(store.tasks.claim(request(9)).claims().size() == 1, "no task that goes on");
        }
    }

    /** Looks for work before it listens. */
    static final class ListenerThatIsLate implements ScheduleExplorer.Body {
        @Override
        public void run() throws Exception {
            var broker = new MemoryBroker(clock());
            var found = new CountDownLatch(1);
            together(() -> broker.enqueue(Batch.of(task("a").build())), () -> {
                if (!broker.claim(request(1)).claims().isEmpty()) {
                    found.countDown();
                }
                broker.subscribe(new BrokerListener.Interest(Set.of("default"), null, null), new BrokerListener() {
                    @Override
                    public void workMayBeReady() {
                        found.countDown();
                    }
                });
                found.await();
            });
        }
    }
}
