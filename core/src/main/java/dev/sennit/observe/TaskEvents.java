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
 * A stream of what tasks, workers, pools and services do, over all pools of this JVM and all kinds of workers.
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
 * <p>A stream tells of the tasks that are submitted while it is open: of each first that it was {@linkplain
 * Kind#SUBMITTED submitted}, and of each one {@linkplain Kind#isEnd end}. The tasks are those that the {@linkplain
 * dev.sennit.Pool#statistics figures} of a pool count: a task with a retry is one, and so is a chunk of {@code map}. An
 * event is in the stream before the future of its task is done: who has the result of a task finds its end here.
 *
 * <p>It also tells of pools that open and close, of workers that start and end, and of services and their managers,
 * from when the stream was opened: nothing is told of a pool or worker that is there already, before it does something.
 *
 * <p>The threads that run tasks write into a ring of 65,536 events and never wait. A reader that is slower loses the
 * oldest, and {@link #missed} tells how many. Events have one order, which is that of the steps of each task. While no
 * stream is open, nothing is written and no memory is held.
 *
 * <p>Streams are safe for use by several threads; each event goes to one of them.
 */
public final class TaskEvents implements AutoCloseable {
    /** Read from the ring at a time. */
    private static final int BATCH = 1024;
    /** Between two looks of a reader that waits. A writer that woke it would have to pay for that. */
    private static final long PERIOD_NANOS = 5_000_000;

    /** After so many events a listener's thread notes how far it is. */
    private static final int TOLD_AT_A_TIME = 64;
    /** A listener's thread looks half as often after a look that has found less than this. */
    private static final int FEW = Recorder.CAPACITY / 16;

    private static volatile NameFilter filter = NameFilter.DEFAULT;

    /** A ring full, and what has come meanwhile: as many batches are read for one event at the most. */
    private static final int MOST_BATCHES = Recorder.CAPACITY / BATCH + 1;

    private final Recorder recorder;
    private final EventRing.Cursor cursor;
    /** The last task that was submitted before. Read after the cursor: later tasks are told of from their beginning. */
    private final long before;

    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by lock. Read from the ring, and not yet given to a reader; at most {@link #BATCH}. */
    private final Queue<Written> read = new ArrayDeque<>();

    /** Of this stream alone, so that no class is kept from being unloaded for longer. */
    private volatile Names names = new Names(filter);

    private volatile boolean isClosed;
    /** All events with a smaller number were told. Written by the listener's thread, if there is one. */
    private volatile long toldTo;

    /** An event as it was written. */
    private record Written(Kind kind, long task, long time, long first, long second, String pool,
            @Nullable Object named, @Nullable String detail) {}

    /** Shows names as a filter lets them be seen. */
    private static final class Names {
        private static final int MOST = 1000;

        private final NameFilter filter;
        /** What is shown for names and classes that have come before, at most about {@link #MOST}. */
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
        } catch (Throwable e) { // no memory
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
     * Returns what the filter of this JVM lets others see of a text, for an exporter that is fed by other means than
     * events.
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
     * @param limit how long to wait; zero or less to look once
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
     * Returns what has come, without waiting.
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

    /** Under lock. A batch may have nothing for this stream, and the next one something. */
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

    /** Ends the stream; a thread that waits in {@link #next} returns. Closing it again does nothing. */
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

    /** A listener that is told of events, until it is closed. */
    public interface Listening extends AutoCloseable {
        /**
         * Waits until the listener was told of all that had happened before this call, so that a file that it writes is
         * complete. An event that was missed, or at which the listener has failed, counts as told.
         *
         * @param limit how long to wait; the listener's own thread waits that long in vain
         * @return false if the limit was over first, or this was closed
         * @throws InterruptedException if the thread is interrupted while it waits
         */
        boolean awaitTold(Duration limit) throws InterruptedException;

        /** Ends it. An event that is being told is told to its end. */
        @Override
        void close();
    }

    /**
     * Has a thread of its own tell a listener of all events from now on. A listener that is slow or hangs harms no
     * task: it {@linkplain TaskListener#missed misses} events. The first exception that it throws is logged.
     *
     * @param listener called by one daemon thread
     * @return ends it
     * @throws OutOfMemoryError if there is no thread to be had
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
