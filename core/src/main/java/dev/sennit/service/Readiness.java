package dev.sennit.service;

import java.time.Duration;
import java.util.regex.Pattern;

/**
 * When a worker counts as ready: reloads and services that come {@code after} wait for that.
 *
 * <p>A Java service is ready when its {@link Service#initialize} has returned. A command has no such moment, so its
 * settings name one.
 */
public sealed interface Readiness {
    /** The return of {@link Service#initialize}. For Java services, whose default it is. */
    record Initialized() implements Readiness {}

    /**
     * The worker's own word: {@link ServiceWorker#ready} of a Java service, {@code READY=1} at {@code NOTIFY_SOCKET} of
     * a command, as {@code sd_notify} sends it.
     */
    record Said() implements Readiness {}

    /**
     * A line of its output. For commands.
     *
     * @param pattern found anywhere in a line
     */
    record Line(Pattern pattern) implements Readiness {}

    /**
     * A TCP port of the loopback interface that accepts a connection. For commands.
     *
     * @param number from 1 to 65535
     */
    record Port(int number) implements Readiness {
        /** Checks the number. */
        public Port {
            if (number < 1 || number > 65_535) {
                throw new IllegalArgumentException("port must be from 1 to 65535, was " + number);
            }
        }
    }

    /**
     * A time for which it has lived. For commands, whose default it is, with one second.
     *
     * @param time how long, more than zero
     */
    record Alive(Duration time) implements Readiness {
        /** Checks the time. */
        public Alive {
            if (!time.isPositive()) {
                throw new IllegalArgumentException("time must be > 0, was " + time);
            }
        }
    }
}
