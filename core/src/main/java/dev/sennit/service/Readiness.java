package dev.sennit.service;

import java.time.Duration;
import java.util.regex.Pattern;

/**
 * The condition for a worker to count as ready. Reloads and services that come {@code after} wait for this.
 *
 * <p>A Java service is ready when its {@link Service#initialize} has returned. A command has no such moment, so its
 * settings name one.
 */
public sealed interface Readiness {
    /** Ready when {@link Service#initialize} has returned. For Java services, and their default. */
    record Initialized() implements Readiness {}

    /**
     * Ready when the worker reports it: a Java service by {@link ServiceWorker#ready}, a command by {@code READY=1} to
     * {@code NOTIFY_SOCKET}, as {@code sd_notify} sends it.
     */
    record Said() implements Readiness {}

    /**
     * Ready when a line of the output matches. For commands.
     *
     * @param pattern found anywhere in a line
     */
    record Line(Pattern pattern) implements Readiness {}

    /**
     * Ready when a TCP port of the loopback interface accepts a connection. For commands.
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
     * Ready when the command has lived for some time. For commands, and their default, with one second.
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
