package dev.sennit.observe;

import dev.sennit.TimeSource;
import dev.sennit.internal.Backend;
import dev.sennit.internal.ClassNames;
import dev.sennit.internal.Deadline;
import dev.sennit.internal.Uncaught;
import dev.sennit.internal.view.ShownText;
import dev.sennit.internal.view.TaskObserver;
import dev.sennit.observe.TaskEvent.Kind;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A stream of events of tasks, workers, pools and services, over all pools of this JVM and all kinds of workers.
 *
 * {@snippet :
 * try (TaskEvents events = TaskEvents.open(); Pool pool = Pools.open("processes:2")) {
 *     pool.submit(() -> 6 * 7, TaskOptions.named("answer"));
 *     TaskEvent event;
 *     do {
 *         event = events.next(Duration.ofSeconds(10)).orElseThrow();
 *         System.out.println(event.pool() + " " + event.name() + ": " + event.kind());
 *     } while (!event.kind().isEnd());
 * }
 * }
 *
 * <p>A stream has the events of the tasks that are submitted while it is open: for each task first
 * {@link Kind#SUBMITTED}, and later exactly one {@linkplain Kind#isEnd end}. The tasks are those that the
 * {@linkplain dev.sennit.Pool#statistics figures} of a pool count: a task with a retry is one task, and so is each
 * chunk of {@code map}. The event of a task's end is in the stream before the task's future is done.
 *
 * <p>A stream also has the events of pools, workers, services and their managers, from its opening on. There are no
 * events for the start of pools and workers that existed before.
 *
 * <p>The threads that run tasks write into a ring of 65,536 events and never wait. A reader that is too slow loses the
 * oldest events, and {@link #missed} counts these. Events have one order, which agrees with the order of the steps of
 * each task. While no stream is open, no events are written and no memory is held.
 *
 * <p>Streams are safe for use by several threads; each event of a stream goes to one of them.
 */
public final class TaskEvents implements AutoCloseable {
    /** The most events that are read from the ring at a time. */
    private static final int BATCH = 1024;
    /**
     * The time between two checks of a waiting reader. Writers do not wake readers, as waking would slow tasks down.
     */
    private static final long PERIOD_NANOS = 5_000_000;

    /** After so many events a listener's thread notes how far it is. */
    private static final int TOLD_AT_A_TIME = 64;
    /** A listener's thread looks half as often after a look that has found less than this. */
    private static final int FEW = Recorder.CAPACITY / 16;

    private static volatile NameFilter filter = NameFilter.DEFAULT;

    /** The most batches that are read for one event: a full ring, and one for events that come meanwhile. */
    private static final int MOST_BATCHES = Recorder.CAPACITY / BATCH + 1;

    private final Recorder recorder;
    private final EventRing.Cursor cursor;
    /**
     * The last task that was submitted before this stream. Read after the cursor, so that the stream has all events of
     * later tasks.
     */
    private final long before;

    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. The events that were read from the ring and not yet returned; at most {@link #BATCH}. */
    private final Queue<Written> read = new ArrayDeque<>();

    /** Each stream has its own, so that classes can be unloaded when the stream is closed. */
    private volatile Names names = new Names(filter);

    private volatile boolean isClosed;
    /**
     * The listener has received all events with a smaller number. Written by the listener's thread, if there is one.
     */
    private volatile long toldTo;

    /** An event as it was written. */
    private record Written(Kind kind, long task, long time, long first, long second, String pool,
            @Nullable Object named, @Nullable String detail) {}

    /** Names after the filter. */
    private static final class Names {
        private static final int MOST = 1000;

        private final NameFilter filter;
        /** The shown text of earlier names and classes; at most about {@link #MOST}. */
        private final Map<Object, String> shown = new ConcurrentHashMap<>();

        Names(NameFilter filter) {
            this.filter = filter;
        }

        /** Returns what is shown for a name, or for the class of a task without a name. */
        String of(@Nullable Object named) {
            if (named == null) {
                return "";
            }
            String known = shown.get(named);
            if (known != null) {
                return known;
            }
            String name = filtered(named instanceof Class<?> type ? ClassNames.readable(type) : (String) named);
            if (shown.size() < MOST) {
                shown.put(named, name);
            }
            return name;
        }

        String filtered(String text) {
            return ShownText.of(text, filter::filter);
        }
    }

    private TaskEvents(Recorder recorder) {
        this.recorder = recorder;
        cursor = recorder.ring().new Cursor();
        before = TaskObserver.Current.lastTask();
    }

    /**
     * Opens a stream.
     *
     * @return an open stream, which the caller closes
     */
    public static TaskEvents open() {
        Recorder recorder = Recorder.acquire();
        try {
            return new TaskEvents(recorder);
        } catch (Throwable e) { // out of memory
            Recorder.release();
            throw e;
        }
    }

    /**
     * Sets the filter that names of tasks and messages of failures pass from now on, in all streams and beans.
     *
     * @param newFilter the filter; {@link NameFilter#DEFAULT} is the first
     */
    public static void filterNames(NameFilter newFilter) {
        filter = Objects.requireNonNull(newFilter, "newFilter");
        ShownText.filterBy(newFilter::filter);
    }

    /**
     * Returns a text after the filter of this JVM. For exporters that get texts by other means than events.
     *
     * @param text a name or a message
     * @return the text without secrets
     */
    public static String filtered(String text) {
        return ShownText.of(text);
    }

    /**
     * Waits for the next event.
     *
     * @param limit how long to wait; zero or less to check once
     * @return the event; empty if none came within the limit, or the stream is closed
     * @throws InterruptedException if the thread is interrupted while it waits
     */
    public Optional<TaskEvent> next(Duration limit) throws InterruptedException {
        Deadline deadline = Deadline.in(limit);
        while (true) {
            TaskEvent next = poll();
            if (next != null) {
                return Optional.of(next);
            }
            long left = deadline.left();
            if (isClosed || left <= 0) {
                return Optional.empty();
            }
            TimeSource.system().sleep(Duration.ofNanos(Math.min(left, PERIOD_NANOS)));
        }
    }

    /**
     * Returns the events that have arrived, without waiting.
     *
     * @return the events in their order, at most 65,536
     */
    public List<TaskEvent> drain() {
        List<TaskEvent> all = new ArrayList<>();
        for (TaskEvent next = poll(); next != null; next = poll()) {
            all.add(next);
            if (all.size() == Recorder.CAPACITY) {
                break;
            }
        }
        return all;
    }

    private @Nullable TaskEvent poll() {
        Written next;
        lock.lock();
        try {
            if (read.isEmpty() && !isClosed) {
                readSome();
            }
            next = read.poll();
        } finally {
            lock.unlock();
        }
        return next == null ? null : shown(next); // outside the lock, as the filter is code of a user
    }

    /** The caller holds the lock. A batch may contain no events for this stream; then the next batch is read. */
    private void readSome() {
        for (int i = 0; i < MOST_BATCHES && read.isEmpty(); i++) {
            if (cursor.read(this::take, Backend.current().nanoTime(), BATCH) < BATCH) {
                return;
            }
        }
    }

    /** Under lock. */
    private void take(Kind kind, long task, long time, long first, long second, String pool,
            @Nullable Object named, @Nullable String detail) {
        if (isOfThis(kind, task)) {
            read.add(new Written(kind, task, time, first, second, pool, named, detail));
        }
    }

    /** Returns whether an event is of this stream, and not of a task that was submitted for another one. */
    private boolean isOfThis(Kind kind, long task) {
        return task > before || !kind.isOfTask();
    }

    private TaskEvent shown(Written event) {
        return shown(event.kind, event.task, event.time, event.first, event.second, event.pool, event.named,
                event.detail);
    }

    private TaskEvent shown(Kind kind, long task, long time, long first, long second, String pool,
            @Nullable Object named, @Nullable String written) {
        Names now = names;
        if (now.filter != filter) {
            now = new Names(filter);
            names = now;
        }
        Optional<String> detail = Optional.ofNullable(written);
        Optional<Duration> waited = Optional.empty();
        Optional<Duration> ran = Optional.empty();
        Optional<Duration> cpu = Optional.empty();
        Optional<String> worker = Optional.empty();
        Optional<String> failure = Optional.empty();
        Optional<TaskEvent.Progress> progress = Optional.empty();
        switch (kind) {
            case BEGUN -> {
                waited = duration(first);
                boolean hasOwnName = written != null && isOfPool(written, pool);
                worker = hasOwnName ? detail : detail.map(now::of);
            }
            case PROGRESS -> progress = Optional.of(new TaskEvent.Progress(
                    first,
                    second < 0 ? OptionalLong.empty() : OptionalLong.of(second),
                    now.filtered(detail.orElse(""))));
            default -> {
                if (!kind.isOfTask()) {
                    worker = Optional.ofNullable((String) named);
                }
                ran = duration(first);
                cpu = duration(second);
                failure = detail.map(now::filtered);
            }
        }
        return new TaskEvent(
                kind, task, pool, kind.isOfTask() ? now.of(named) : "", recorder.instant(time), waited, ran, cpu,
                worker, failure, progress);
    }

    /**
     * Returns whether a pool has given a thread its name: that of the pool, and then {@code -worker}, {@code -3} and
     * {@code (pid 4711)}, or some of these. A thread that runs a task with a name has that one, and may begin another
     * task meanwhile; so has a coroutine.
     */
    static boolean isOfPool(String worker, String pool) {
        if (!worker.startsWith(pool)) {
            return false;
        }
        int at = pool.length();
        if (worker.startsWith("-worker", at)) {
            at += "-worker".length();
        }
        if (worker.startsWith("-", at) && afterWord(worker, at + 1, true) > at + 1) {
            at = afterWord(worker, at + 1, true);
        }
        if (!worker.startsWith(" (", at)) {
            return at == worker.length();
        }
        int wordEnd = afterWord(worker, at + 2, false);
        int numberEnd = afterWord(worker, wordEnd + 1, true);
        return wordEnd > at + 2 && worker.startsWith(" ", wordEnd) && numberEnd > wordEnd + 1
                && worker.startsWith(")", numberEnd) && numberEnd + 1 == worker.length();
    }

    /** Returns where the digits, or the letters and digits of ASCII, end that begin at an index. */
    private static int afterWord(String text, int begin, boolean isNumber) {
        int at = begin;
        while (at < text.length() && isOfWord(text.charAt(at), isNumber)) {
            at++;
        }
        return at;
    }

    private static boolean isOfWord(char character, boolean isNumber) {
        return character >= '0' && character <= '9'
                || !isNumber && (character >= 'a' && character <= 'z' || character >= 'A' && character <= 'Z'
                        || character == '_');
    }

    /** Returns what is shown for a name, or for the class of a task without a name. */
    static String shownName(Object named) {
        return new Names(filter).of(named);
    }

    private static Optional<Duration> duration(long nanos) {
        return nanos < 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos));
    }

    /**
     * Returns how many events were overwritten before this stream had read them.
     *
     * @return the count so far
     */
    public long missed() {
        lock.lock();
        try {
            return cursor.missed();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the stream; threads that wait in {@link #next} return. Further calls do nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            if (isClosed) {
                return;
            }
            isClosed = true;
        } finally {
            lock.unlock();
        }
        Recorder.release();
    }

    /** The registration of a listener, which gets events until this is closed. */
    public interface Listening extends AutoCloseable {
        /**
         * Waits until the listener has received all events from before this call, so that a file that it writes is
         * complete. Events that were missed, or at which the listener has failed, count as received.
         *
         * @param limit how long to wait; if the listener's own thread calls this, it always waits that long
         * @return false if the limit passed first, or this was closed
         * @throws InterruptedException if the thread is interrupted while it waits
         */
        boolean awaitTold(Duration limit) throws InterruptedException;

        /** Ends the listening. A call of the listener that is under way is completed. */
        @Override
        void close();
    }

    /**
     * Starts a thread that passes all events from now on to a listener. A listener that is slow or hangs does not
     * affect tasks: it {@linkplain TaskListener#missed misses} events. The first exception of the listener is logged.
     *
     * @param listener a listener, called by one daemon thread
     * @return the registration, which ends the listening
     * @throws OutOfMemoryError if no thread is available
     */
    public static Listening listen(TaskListener listener) {
        Objects.requireNonNull(listener, "listener");
        TaskEvents events = open();
        try {
            Backend.start(Thread.ofPlatform().daemon().name("sennit-events").inheritInheritableThreadLocals(false)
                    .unstarted(events.new Telling(listener)));
        } catch (Throwable e) {
            events.close();
            throw e;
        }
        return new Listening() {
            @Override
            public boolean awaitTold(Duration limit) throws InterruptedException {
                return events.awaitTold(limit);
            }

            @Override
            public void close() {
                events.close();
            }
        };
    }

    private boolean awaitTold(Duration limit) throws InterruptedException {
        Deadline deadline = Deadline.in(limit);
        long happened = recorder.ring().end();
        while (toldTo < happened) {
            long left = deadline.left();
            if (isClosed || left <= 0) {
                return false;
            }
            TimeSource.system().sleep(Duration.ofNanos(Math.min(left, PERIOD_NANOS)));
        }
        return true;
    }

    /** The thread of one listener, the only reader of its stream: it needs no lock, and keeps no event. */
    private final class Telling implements Runnable, EventRing.Reader {
        private final TaskListener listener;
        private long toldMissed;
        /** Since it has slept. */
        private int told;
        private boolean hasFailed;

        Telling(TaskListener listener) {
            this.listener = listener;
        }

        @Override
        public void run() {
            while (!isClosed) {
                try {
                    int read = cursor.read(this, Backend.current().nanoTime(), TOLD_AT_A_TIME);
                    tellMissed();
                    if (isClosed) { // and what was read since is not told
                        return;
                    }
                    toldTo = cursor.next();
                    told += read;
                    if (read < TOLD_AT_A_TIME) {
                        long nap = told < FEW ? 2 * PERIOD_NANOS : PERIOD_NANOS;
                        told = 0;
                        TimeSource.system().sleep(Duration.ofNanos(nap));
                    }
                } catch (Throwable e) { // the listener's, or an interrupt that it has left behind
                    failed(e);
                }
            }
        }

        @Override
        public void event(Kind kind, long task, long time, long first, long second, String pool,
                @Nullable Object named, @Nullable String detail) {
            if (isClosed || !isOfThis(kind, task)) {
                return;
            }
            try {
                tellMissed();
                listener.event(shown(kind, task, time, first, second, pool, named, detail));
            } catch (Throwable e) {
                failed(e);
            }
        }

        private void tellMissed() throws Exception {
            long all = cursor.missed();
            if (all != toldMissed) {
                long news = all - toldMissed;
                toldMissed = all;
                listener.missed(news);
            }
        }

        private void failed(Throwable failure) {
            if (!hasFailed) { // else a log line for each event
                hasFailed = true;
                Uncaught.log("task listener " + listener.getClass().getName()
                        + " failed, and will not be logged again", failure);
            }
        }
    }

    @Override
    public String toString() {
        return "TaskEvents[" + (isClosed ? "closed" : "open") + ", " + missed() + " missed]";
    }
}
