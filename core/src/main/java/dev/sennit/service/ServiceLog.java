package dev.sennit.service;

import dev.sennit.internal.Backend;
import dev.sennit.internal.Waits;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The log of a manager: the lines of all workers' output, and the events of workers. Each line has the time, the
 * service, the worker's number, and whether it came from standard output or error.
 *
 * <pre>
 * 2026-01-01T00:00:00.000Z printer(0) out: page 1
 * 2026-01-01T00:00:00.120Z printer(0) err: no paper
 * 2026-01-01T00:00:00.130Z printer(0) DIED: exited with code 3, pid 4711
 * </pre>
 *
 * <p>No worker waits for the target. If 256 Ki characters of a worker, or 8 Mi characters of all workers, are not
 * written yet, further lines are dropped and counted. The log has a line in the place of the missing lines, with their
 * number. If a file fails, for example because the disk is full, the log opens it again every second; lines that could
 * not be written are counted.
 */
public final class ServiceLog implements AutoCloseable {
    /** The form of lines. */
    public enum Format {
        /** Text for readers. */
        TEXT,
        /** One JSON object for each line. */
        JSON
    }

    private static final int MOST_OF_WORKER = 1 << 18;
    private static final int MOST_OF_ALL = 1 << 23;
    private static final int BATCH = 1 << 16;
    private static final long AGAIN_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);
    private static final int MOST_REMEMBERED = 1 << 19;
    private static final int MOST_FOLLOWERS = 64;

    /** The lines of one worker that are not written yet. */
    private static final class Lane {
        /** The name of the service; empty for lines of the manager. */
        final String service;
        int kept;
        long dropped;

        Lane(String service) {
            this.service = service;
        }
    }

    /**
     * A line to write.
     *
     * @param missing the number of missing lines that this line stands for; 0 for an ordinary line
     */
    private record Line(Lane lane, String text, long missing) {}

    private final Format format;
    private final @Nullable Path file;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // guarded by the lock
    private final Deque<Line> lines = new ArrayDeque<>();
    private final Map<String, Lane> lanes = new HashMap<>();
    private int kept;
    private long dropped;
    /** The last lines, including written ones. */
    private final Deque<Line> remembered = new ArrayDeque<>();
    private int rememberedLength;
    private final List<LogFollower> followers = new ArrayList<>();
    private boolean isToReopen;
    private boolean isClosed;
    private boolean isOver;
    private @Nullable Thread writer;

    /** Used by the writer thread, once there is one; null while a file cannot be opened. */
    private @Nullable OutputStream out;

    private ServiceLog(Format format, @Nullable Path file, @Nullable OutputStream out) {
        this.format = format;
        this.file = file;
        this.out = out;
    }

    /**
     * Returns a log on a stream, which {@link #close} does not close.
     *
     * @param out such as {@code System.out}
     * @param format how lines look
     * @return the log
     */
    public static ServiceLog to(OutputStream out, Format format) {
        return new ServiceLog(format, null, out);
    }

    /**
     * Returns a log that appends to a file, which is made if it does not exist.
     *
     * @param file the file
     * @param format how lines look
     * @return the log
     * @throws IOException if the file cannot be opened
     */
    public static ServiceLog to(Path file, Format format) throws IOException {
        return new ServiceLog(format, file, open(file));
    }

    private static OutputStream open(Path file) throws IOException {
        return Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Opens the file again, by its name: after the file was renamed, lines go to a new file. */
    public void reopen() {
        lock.lock();
        try {
            isToReopen = file != null;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns how many lines were dropped so far.
     *
     * @return the number
     */
    public long dropped() {
        lock.lock();
        try {
            return dropped;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Follows the log: returns a follower that reads some past lines and then new lines. The log keeps its last lines,
     * up to 512 Ki characters.
     *
     * @param past how many past lines to read first, at most
     * @param service the name of the service whose lines to read; empty for all lines
     * @return the follower, which the caller closes
     * @throws IllegalStateException if there are 64 already
     */
    public LogFollower follow(int past, String service) {
        if (past < 0) {
            throw new IllegalArgumentException("past must be >= 0, was " + past);
        }
        lock.lock();
        try {
            if (followers.size() >= MOST_FOLLOWERS) {
                throw new IllegalStateException(MOST_FOLLOWERS + " follow the log already: end one of them");
            }
            List<String> texts = remembered.stream()
                    .filter(line -> service.isEmpty() || line.lane().service.equals(service))
                    .map(Line::text)
                    .toList();
            var follower = new LogFollower(
                    service, texts.subList(Math.max(0, texts.size() - past), texts.size()), this::forget);
            if (isClosed || isOver) {
                follower.end();
            } else {
                followers.add(follower);
            }
            return follower;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the number of workers with lines that wait or are missing. */
    int lanes() {
        lock.lock();
        try {
            return lanes.size();
        } finally {
            lock.unlock();
        }
    }

    private void forget(LogFollower follower) {
        lock.lock();
        try {
            followers.remove(follower);
        } finally {
            lock.unlock();
        }
    }

    /** Writes the waiting lines, for at most two seconds, and closes a file. */
    @Override
    public void close() {
        try (var _ = Waits.outOfTurn()) {
            closeOutOfTurn();
        }
    }

    private void closeOutOfTurn() {
        boolean wasInterrupted = false;
        lock.lock();
        try {
            isClosed = true;
            followers.forEach(LogFollower::end);
            changed.signalAll();
            long left = CLOSE_LIMIT.toNanos();
            while (writer != null && !isOver && left > 0) {
                try {
                    left = changed.awaitNanos(left);
                } catch (InterruptedException e) {
                    wasInterrupted = true;
                }
            }
        } finally {
            lock.unlock();
        }
        if (writer == null) {
            closeFile();
        }
        if (wasInterrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // ---- what comes in ----

    /** Takes a line of a worker. Never waits for the target. */
    void line(String service, int id, boolean error, String text) {
        Instant now = Instant.now();
        String stream = error ? "err" : "out";
        take(service, service + "(" + id + ")", format == Format.TEXT
                ? time(now) + " " + service + "(" + id + ") " + stream + ": " + text
                : "{\"time\":\"" + time(now) + "\",\"service\":" + quoted(service) + ",\"worker\":" + id
                        + ",\"stream\":\"" + stream + "\",\"line\":" + quoted(text) + "}");
    }

    /** Returns a sink for the lines of a worker. */
    LineSink sink(String service, int id) {
        return (error, text) -> line(service, id, error, text);
    }

    /** Takes an event of a worker. */
    void event(ServiceEvent event) {
        String worker = event.service() + "(" + event.id() + ")";
        take(event.service(), "events of " + event.service(), format == Format.TEXT
                ? time(event.at()) + " " + worker + " " + event.kind()
                        + (event.why().isEmpty() ? "" : ": " + event.why())
                        + (event.pid() == 0 ? "" : ", pid " + event.pid())
                : "{\"time\":\"" + time(event.at()) + "\",\"service\":" + quoted(event.service()) + ",\"worker\":"
                        + event.id() + ",\"event\":\"" + event.kind() + "\",\"pid\":" + event.pid()
                        + ",\"generation\":" + event.generation() + ",\"why\":" + quoted(event.why()) + "}");
    }

    /**
     * Takes a line about the services as a whole, such as an order to the manager. Never waits for the target.
     *
     * @param text the line; line ends in it become bars
     */
    public void note(String text) {
        String line = RunEnd.oneLine(text);
        String now = time(Instant.now());
        take("", "the manager", format == Format.TEXT
                ? now + " manager: " + line
                : "{\"time\":\"" + now + "\",\"manager\":" + quoted(line) + "}");
    }

    private static String time(Instant moment) {
        String text = moment.truncatedTo(ChronoUnit.MILLIS).toString();
        return text.length() == 20 ? text.replace("Z", ".000Z") : text;
    }

    private static String quoted(String text) {
        var quoted = new StringBuilder(text.length() + 16).append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                default -> {
                    if (c < ' ' || c == '\u007f' || Character.isSurrogate(c) && !isPaired(text, i)) {
                        quoted.append(String.format("\\u%04x", (int) c));
                    } else {
                        quoted.append(c);
                    }
                }
            }
        }
        return quoted.append('"').toString();
    }

    private static boolean isPaired(String text, int i) {
        return Character.isHighSurrogate(text.charAt(i))
                ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
                : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
    }

    private void take(String service, String worker, String text) {
        lock.lock();
        try {
            if (isClosed || isOver) {
                return;
            }
            Lane lane = lanes.computeIfAbsent(worker, key -> new Lane(service));
            int length = text.length() + 1;
            if (lane.kept > 0 && lane.kept + length > MOST_OF_WORKER || kept + length > MOST_OF_ALL) {
                lane.dropped++;
                dropped++;
                return;
            }
            tellDropped(worker, lane);
            add(lane, text, 0);
            startWriter();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void tellDropped(String worker, Lane lane) {
        if (lane.dropped > 0) {
            String text = lane.dropped + " lines of " + worker + " are missing: they could not be written in time";
            long missing = lane.dropped;
            lane.dropped = 0;
            add(
                    lane,
                    format == Format.TEXT
                            ? time(Instant.now()) + " " + text
                            : "{\"time\":\"" + time(Instant.now()) + "\",\"dropped\":" + quoted(text) + "}",
                    missing);
        }
    }

    private void add(Lane lane, String text, long missing) {
        var line = new Line(lane, text, missing);
        lines.add(line);
        lane.kept += text.length() + 1;
        kept += text.length() + 1;
        remembered.addLast(line);
        rememberedLength += text.length() + 1;
        while (rememberedLength > MOST_REMEMBERED) {
            rememberedLength -= remembered.removeFirst().text().length() + 1;
        }
        followers.forEach(follower -> follower.offer(lane.service, text));
    }

    private void startWriter() {
        if (writer != null) {
            return;
        }
        Thread thread = Thread.ofPlatform().daemon().name("sennit-service-log").unstarted(this::write);
        try {
            Backend.start(thread);
            writer = thread;
        } catch (OutOfMemoryError e) {
            // no thread available: the next line tries again
        }
    }

    // ---- the writer ----

    private void write() {
        try {
            for (List<Line> batch = take(); !batch.isEmpty(); batch = take()) {
                if (put(batch)) {
                    tellAllDropped();
                } else if (isLost(batch)) {
                    break;
                }
            }
            closeFile();
        } finally {
            lock.lock();
            try {
                isOver = true;
                changed.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Waits for lines. Returns an empty list when the log is closed and all lines were taken. */
    private List<Line> take() {
        List<Line> batch = new ArrayList<>();
        lock.lock();
        try {
            while (lines.isEmpty() && !isClosed) {
                changed.awaitUninterruptibly();
            }
            for (int length = 0; !lines.isEmpty() && length < BATCH;) {
                Line line = lines.remove();
                line.lane().kept -= line.text().length() + 1;
                kept -= line.text().length() + 1;
                length += line.text().length() + 1;
                batch.add(line);
            }
            lanes.values().removeIf(lane -> lane.kept == 0 && lane.dropped == 0); // including those of removed services
        } finally {
            lock.unlock();
        }
        return batch;
    }

    /** Writes lines. Returns whether the target has taken them. */
    private boolean put(List<Line> batch) {
        try {
            var text = new StringBuilder();
            batch.forEach(line -> text.append(line.text()).append('\n'));
            OutputStream target = target();
            target.write(text.toString().getBytes(StandardCharsets.UTF_8));
            target.flush();
            return true;
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            return false;
        }
    }

    private void tellAllDropped() {
        lock.lock();
        try {
            if (lines.isEmpty()) {
                lanes.forEach(this::tellDropped);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Counts lines that the target refused, and waits before a file is opened again.
     *
     * @return whether the log is closed, so that the file is not opened again
     */
    private boolean isLost(List<Line> batch) {
        closeFile();
        lock.lock();
        try {
            Lane all = lanes.computeIfAbsent("all workers", key -> new Lane(""));
            for (Line line : batch) {
                all.dropped += line.missing() == 0 ? 1 : line.missing();
                dropped += line.missing() == 0 ? 1 : 0;
            }
            long left = AGAIN_NANOS;
            while (!isClosed && left > 0) {
                left = changed.awaitNanos(left);
            }
            return isClosed;
        } catch (InterruptedException e) {
            return false; // no code interrupts this thread
        } finally {
            lock.unlock();
        }
    }

    private OutputStream target() throws IOException {
        boolean reopens;
        lock.lock();
        try {
            reopens = isToReopen;
            isToReopen = false;
        } finally {
            lock.unlock();
        }
        if (reopens) {
            closeFile();
        }
        OutputStream target = out;
        if (target == null) {
            target = open(Objects.requireNonNull(file, "only a file is closed"));
            out = target;
        }
        return target;
    }

    private void closeFile() {
        OutputStream target = out;
        if (file == null || target == null) {
            return;
        }
        out = null;
        try {
            target.close();
        } catch (IOException e) {
            // its lines were written, or were counted
        }
    }
}
