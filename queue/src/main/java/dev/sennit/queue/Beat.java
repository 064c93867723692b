package dev.sennit.queue;

import dev.sennit.TimeSource;
import dev.sennit.queue.broker.Broker;
import dev.sennit.queue.broker.BrokerException;
import dev.sennit.queue.broker.BrokerFeature;
import dev.sennit.queue.broker.Firing;
import dev.sennit.queue.broker.QueuedTask;
import dev.sennit.queue.broker.ScheduleEntry;
import dev.sennit.queue.broker.ScheduleEntry.Missed;
import dev.sennit.queue.broker.ScheduleEntry.Overlap;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Fires the {@link QueueSchedules} of a broker: enqueues their tasks when they are due. Any number of beats may run, in
 * one program or on many machines: each due time is fired once. The more there are, the less it matters that one is
 * killed.
 *
 * {@snippet :
 * import dev.sennit.queue.*;
 *
 * try (TaskQueue queue = TaskQueue.open("memory:jobs"); Beat beat = Beat.start(queue.broker())) {
 *     System.out.println(beat); // Beat[memory:jobs, 0 fired]
 * }
 * }
 *
 * <p>Schedules are due by the broker's clock. A beat sleeps until the next one is due, and reads the schedules at
 * least once a second: so it sees changes.
 *
 * <p><b>Missed due times</b> are those after which another one has come already, or the
 * {@linkplain Builder#grace grace} has passed, before a beat could fire them. {@link Missed#SKIP} skips them,
 * {@link Missed#ONCE} fires the last one only, {@link Missed#ALL} fires them all, but no more than the last
 * {@value #MOST_MISSED}.
 *
 * <p><b>Overlap.</b> If the task that was fired last has not ended, {@link Overlap#SKIP} skips the due time,
 * {@link Overlap#WAIT} fires it within a second after that task has ended, and {@link Overlap#ALLOW} fires it. Due
 * times that pass during such a wait are not missed because of it: one of them is fired, or with {@link Missed#ALL}
 * each, one after another. A dead task has ended.
 *
 * <p>A broker that cannot be reached stops nothing: the beat logs it, and tries again each second.
 */
public final class Beat implements AutoCloseable {
    /** How many missed due times of a schedule are made up for at most. */
    public static final int MOST_MISSED = 1000;

    private static final Logger LOG = System.getLogger(Beat.class.getName());
    private static final Duration LOOK = Duration.ofSeconds(1);

    private final Broker broker;
    private final TimeSource time;
    private final Duration grace;
    private final AtomicLong fired = new AtomicLong();
    /** Only the thread that steps: schedules that cannot be read, as was told. */
    private final Set<String> told = new HashSet<>();
    /** Only the loop: whether the broker could not be reached lately. */
    private boolean isCutOff;

    private volatile boolean isClosed;
    /** Null if it is stepped by its owner. Written before it is given away. */
    private @Nullable Thread loop;

    private Beat(Builder settings) {
        broker = settings.broker;
        time = settings.time;
        grace = settings.grace;
    }

    /**
     * Starts a beat with the usual settings.
     *
     * @param broker the broker, which the beat does not close
     * @return the beat
     */
    public static Beat start(Broker broker) {
        return builder(broker).start();
    }

    /**
     * Returns a builder with the usual settings: the clock of the system, a minute of grace.
     *
     * @param broker the broker, which the beat does not close
     * @return the builder
     * @throws UnsupportedOperationException if the broker keeps no schedules
     */
    public static Builder builder(Broker broker) {
        return new Builder(broker);
    }

    /**
     * Fires what is due now. For tests with a clock of their own, on a beat that has no thread.
     *
     * @return after how long to step again, at most a second; zero if there is more to do
     * @throws BrokerException if the broker cannot be asked; what was fired before is fired
     */
    public Duration step() {
        Instant now = broker.now();
        Instant next = now.plus(LOOK);
        for (ScheduleEntry entry : broker.schedules()) {
            Instant due = entry.nextDue();
            if (entry.paused() || due == null) {
                continue;
            }
            if (!due.isAfter(now)) {
                try {
                    due = fire(entry, due, now);
                } catch (BrokerException | IllegalStateException e) { // it is away, or closed
                    throw e;
                } catch (RuntimeException e) { // one that cannot be fired keeps no others
                    if (told.add(entry.name() + "\n" + entry.when() + "\n" + entry.zone())) {
                        String why = e instanceof IllegalArgumentException ? e.getMessage() : e.toString();
                        LOG.log(Level.WARNING, "schedule " + entry.name() + " is left alone: " + why);
                        LOG.log(Level.DEBUG, "where", e);
                    }
                    continue;
                }
            }
            if (due != null && due.isBefore(next)) {
                next = due;
            }
        }
        Duration wait = Duration.between(now, next);
        return wait.isNegative() ? Duration.ZERO : wait;
    }

    /** Fires a schedule that is due; returns when to look at it again, or null for never. */
    private @Nullable Instant fire(ScheduleEntry entry, Instant due, Instant now) {
        Recurrence recurrence = Recurrence.parse(entry.when(), entry.zone());
        List<Instant> all = recurrence.due(due, now, entry.missed() == Missed.ALL ? MOST_MISSED : 1);
        Instant last = all.getLast();
        Instant next = recurrence.next(last);
        List<Instant> chosen = entry.missed() == Missed.SKIP && isMissed(entry, last, now) ? List.of() : all;
        if (entry.overlap() == Overlap.ALLOW || chosen.isEmpty()) {
            if (fire(entry, due, next, chosen, false) == Firing.Outcome.FIRED) {
                tellOfMissed(entry, due, last, chosen, now);
            }
            return next;
        }
        Instant following = chosen.size() > 1 ? chosen.get(1) : next;
        Firing.Outcome outcome = fire(entry, due, following, chosen.subList(0, 1), true);
        if (outcome != Firing.Outcome.UNFINISHED) {
            if (outcome == Firing.Outcome.FIRED) {
                tellOfMissed(entry, due, last, chosen, now);
            }
            return following;
        }
        if (entry.overlap() == Overlap.WAIT) {
            return now.plus(LOOK);
        }
        fire(entry, due, next, List.of(), false);
        return next;
    }

    private void tellOfMissed(
            ScheduleEntry entry, Instant due, Instant last, List<Instant> chosen, Instant now) {
        if (!chosen.contains(due)) {
            String instead = switch (chosen.size()) {
                case 0 -> "it is skipped";
                case 1 -> "one task makes up for it";
                default -> chosen.size() + " tasks make up for it";
            };
            boolean isLong = Duration.between(due, now).compareTo(grace) > 0; // else it is only frequent
            LOG.log(isLong ? Level.INFO : Level.DEBUG,
                    "schedule " + entry.name() + " was not fired from " + due + " to " + last + ": " + instead);
        }
    }

    /** Returns whether nobody was there at a due time: not if the schedule only waited for the task before. */
    private boolean isMissed(ScheduleEntry entry, Instant due, Instant now) {
        Instant since = due;
        if (entry.overlap() == Overlap.WAIT && entry.lastTask() != null) {
            var before = broker.find(entry.lastTask());
            if (before.isPresent()) {
                Instant ended = before.get().endedAt();
                if (ended == null) {
                    return false;
                }
                since = ended.isAfter(due) ? ended : due;
            }
        }
        return Duration.between(since, now).compareTo(grace) > 0;
    }

    private Firing.Outcome fire(ScheduleEntry entry, Instant due, @Nullable Instant next, List<Instant> times,
            boolean unlessUnfinished) {
        List<QueuedTask> tasks = new ArrayList<>(times.size());
        for (Instant each : times) {
            tasks.add(QueueSchedules.task(entry, id(entry.name(), each), Map.of(QueueSchedules.DUE, each.toString())));
        }
        Firing.Outcome outcome = broker.fire(new Firing(entry.name(), due, next, tasks, unlessUnfinished));
        if (outcome == Firing.Outcome.FIRED) {
            fired.addAndGet(tasks.size());
        }
        return outcome;
    }

    /**
     * Returns the id of the task of a due time, which is always the same: so a broker takes it once, also if somebody
     * changes the schedule at the moment at which it is fired, and puts the due time back.
     */
    private static String id(String schedule, Instant due) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(schedule.getBytes(StandardCharsets.UTF_8));
            ByteBuffer hash =
                    ByteBuffer.wrap(digest.digest(ByteBuffer.allocate(8).putLong(due.toEpochMilli()).array()));
            return new UUID(due.toEpochMilli() << 16 | 0x7000 | hash.getLong() & 0xFFF, // as QueuedTask.newId
                    hash.getLong() & 0x3FFF_FFFF_FFFF_FFFFL | 0x8000_0000_0000_0000L).toString();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("each Java has SHA-256", e);
        }
    }

    private void loop() {
        while (!isClosed) {
            Duration wait = LOOK;
            try {
                wait = step();
                if (isCutOff) {
                    LOG.log(Level.INFO, this + " goes on");
                    isCutOff = false;
                }
            } catch (BrokerException e) {
                if (!isCutOff) {
                    LOG.log(Level.WARNING, this + " cannot fire, and tries again: " + e.getMessage());
                    isCutOff = true;
                }
            } catch (IllegalStateException e) {
                LOG.log(Level.DEBUG, "the broker is closed", e);
                return;
            } catch (RuntimeException | Error e) { // whatever it is, the beat goes on when it is over
                if (!isCutOff) {
                    LOG.log(Level.ERROR, this + " has failed, and tries again", e);
                    isCutOff = true;
                }
            }
            try {
                time.sleep(wait);
            } catch (InterruptedException e) {
                return; // by close
            }
        }
    }

    /**
     * Returns how many tasks this beat has enqueued.
     *
     * @return the number
     */
    public long fired() {
        return fired.get();
    }

    /** Ends the beat: when this returns, it fires nothing more. */
    @Override
    public void close() {
        isClosed = true;
        Thread thread = loop;
        if (thread == null) {
            return;
        }
        boolean interrupted = false;
        while (true) {
            thread.interrupt();
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public String toString() {
        return "Beat[" + broker.name() + ", " + fired + " fired]";
    }

    /** Settings of a {@link Beat}. */
    public static final class Builder {
        private final Broker broker;
        private TimeSource time = TimeSource.system();
        private Duration grace = Duration.ofMinutes(1);

        private Builder(Broker broker) {
            if (!broker.features().contains(BrokerFeature.SCHEDULES)) {
                throw new UnsupportedOperationException(broker.name() + " does not offer " + BrokerFeature.SCHEDULES);
            }
            this.broker = broker;
        }

        /**
         * Sets another clock to sleep by, for tests. What is due is decided by the broker's clock.
         *
         * @param source the clock
         * @return this
         */
        public Builder time(TimeSource source) {
            time = Objects.requireNonNull(source, "source");
            return this;
        }

        /**
         * Sets how late a due time may be fired without being missed.
         *
         * @param newGrace the time, 0 or more
         * @return this
         */
        public Builder grace(Duration newGrace) {
            if (newGrace.isNegative()) {
                throw new IllegalArgumentException("grace must be >= 0, was " + newGrace);
            }
            grace = newGrace;
            return this;
        }

        /**
         * Returns a beat without a thread, which its owner {@linkplain Beat#step steps}.
         *
         * @return the beat
         */
        public Beat open() {
            return new Beat(this);
        }

        /**
         * Returns a beat that runs until it is closed. It does not keep the JVM alive.
         *
         * @return the beat
         */
        public Beat start() {
            var beat = new Beat(this);
            // No virtual one, as tasks may hold all carriers; but in a test schedule all are.
            Thread.Builder threads =
                    Thread.currentThread().isVirtual() ? Thread.ofVirtual() : Thread.ofPlatform().daemon();
            beat.loop = threads.name("sennit-beat").unstarted(beat::loop);
            beat.loop.start();
            return beat;
        }
    }
}
