package dev.sennit.internal.linux;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Tells the service manager that started this process how it is, as {@code sd_notify} does. Does nothing if nobody
 * wants to know, which the environment says.
 *
 * <p>Each method fails with an {@link IOException} if the message cannot be sent. The message of that says why; the
 * process can go on without it, and systemd then draws its own conclusions.
 */
public final class SystemdNotifier {
    private static final int CLOCK_MONOTONIC = 1;

    /** Null if nobody wants to know. */
    private final @Nullable String socket;

    /** Null if nobody watches. */
    private final @Nullable Duration watchdog;

    private SystemdNotifier(@Nullable String socket, @Nullable Duration watchdog) {
        this.socket = socket;
        this.watchdog = watchdog;
    }

    /**
     * Reads {@code NOTIFY_SOCKET}, {@code WATCHDOG_USEC} and {@code WATCHDOG_PID}.
     *
     * @param environment the environment that this process was started with
     * @return the notifier
     * @throws IllegalArgumentException if a variable has an impossible value
     */
    public static SystemdNotifier of(Map<String, String> environment) {
        String socket = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (socket.isEmpty()) {
            return new SystemdNotifier(null, null);
        }
        if (!socket.startsWith("/") && !socket.startsWith("@")) {
            throw new IllegalArgumentException(
                    "NOTIFY_SOCKET must be an absolute path, or a name behind @, was \"" + socket + "\"");
        }
        return new SystemdNotifier(socket, watchdog(environment));
    }

    private static @Nullable Duration watchdog(Map<String, String> environment) {
        String micros = environment.getOrDefault("WATCHDOG_USEC", "");
        String pid = environment.getOrDefault("WATCHDOG_PID", "");
        if (micros.isEmpty() || !pid.isEmpty() && !pid.equals(Long.toString(ProcessHandle.current().pid()))) {
            return null; // it may be that of a parent
        }
        if (!micros.matches("0*[1-9]\\d{0,15}")) {
            throw new IllegalArgumentException(
                    "WATCHDOG_USEC must be a number of microseconds > 0, was \"" + micros + "\"");
        }
        return Duration.ofNanos(Math.multiplyExact(Long.parseLong(micros), 1000));
    }

    /**
     * Returns whether somebody wants to know.
     *
     * @return false if no other method does anything
     */
    public boolean isWanted() {
        return socket != null;
    }

    /**
     * Returns how long {@link #watchdog} may stay away until the process counts as hung. Half of that is a good period.
     *
     * @return empty if nobody watches
     */
    public Optional<Duration> watchdogLimit() {
        return Optional.ofNullable(watchdog);
    }

    /**
     * The process has started, or has reloaded, and serves.
     *
     * @throws IOException if that cannot be told
     */
    public void ready() throws IOException {
        send("READY=1");
    }

    /**
     * The process reloads its configuration; {@link #ready} says that it has. With the time, by which systemd tells the
     * answer to this reload from one to an older reload.
     *
     * @throws IOException if that cannot be told
     */
    public void reloading() throws IOException {
        if (isWanted()) {
            SystemCall.ensureSupported("cannot tell " + socket + " of a reload");
            send("RELOADING=1\nMONOTONIC_USEC=" + monotonicMicros());
        }
    }

    /**
     * The process has begun to stop.
     *
     * @throws IOException if that cannot be told
     */
    public void stopping() throws IOException {
        send("STOPPING=1");
    }

    /**
     * Another process is the main process of the unit from now on: systemd hears that process, and ends the unit with
     * it.
     *
     * @param pid its number
     * @throws IOException if that cannot be told
     */
    public void mainProcess(long pid) throws IOException {
        send("MAINPID=" + pid);
    }

    /**
     * Says in a line what the process does, for {@code systemctl status}.
     *
     * @param line any text; line ends become spaces, as what follows them would be read as another message
     * @throws IOException if that cannot be told
     */
    public void status(String line) throws IOException {
        send("STATUS=" + line.replaceAll("[\\r\\n\\u0000]+", " "));
    }

    /**
     * The process makes progress. Does nothing if nobody {@linkplain #watchdogLimit watches}.
     *
     * @throws IOException if that cannot be told
     */
    public void watchdog() throws IOException {
        if (watchdog != null) {
            send("WATCHDOG=1");
        }
    }

    private void send(String message) throws IOException {
        if (socket != null) {
            UnixDatagram.send(socket, message.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Not the backend's clock, whose zero is anywhere: systemd compares this with its own. */
    private static long monotonicMicros() throws SystemCallException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(JAVA_LONG, 2);
            SystemCall.CLOCK_GETTIME.make(CLOCK_MONOTONIC, time.address(), 0);
            return time.getAtIndex(JAVA_LONG, 0) * 1_000_000 + time.getAtIndex(JAVA_LONG, 1) / 1000;
        }
    }

    @Override
    public String toString() {
        return socket == null ? "nobody to notify" : "notifies " + socket;
    }
}
