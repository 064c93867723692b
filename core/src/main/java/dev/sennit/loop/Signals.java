package dev.sennit.loop;

import dev.sennit.internal.SystemSignals;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * Signals of the operating system, as a {@link Channel} of their names.
 *
 * {@snippet :
 * import dev.sennit.loop.Signals;
 *
 * try (Signals signals = Signals.open("HUP", "TERM")) {
 *     for (String signal : signals.channel()) {
 *         if (signal.equals("TERM")) {
 *             break; // and the program comes to its end
 *         }
 *         System.out.println("reads its settings again");
 *     }
 * }
 * }
 *
 * <p>As in the system itself, a signal that comes again before it was received counts once, and signals that come
 * together have no order. No code of the receiver runs in the signal's thread; in an {@link EventLoop} it runs in an
 * ordinary turn. {@link Select} waits for signals together with other channels. Every open {@code Signals} of a signal
 * gets it.
 *
 * <p>While it is open, the JVM does not handle these signals itself: {@code TERM}, {@code INT} and {@code HUP} do not
 * end the JVM, so the receiver must see to that. {@link #close} gives the signals back. The loop closes at its end what
 * its coroutines have opened.
 *
 * <p>The system and the JVM decide which signals can be received. On Linux and macOS these are all but {@code KILL},
 * {@code STOP}, {@code QUIT} (which prints the stacks of all threads) and those of errors such as {@code SEGV}; Flight
 * Recorder uses {@code USR2} itself. {@code HUP}, {@code INT} and {@code TERM} stay ignored if they were when the JVM
 * was started, as {@code HUP} is under {@code nohup}. The JVM needs the module {@code jdk.unsupported}: a program on
 * the module path may have to add it with {@code --add-modules jdk.unsupported}.
 */
public final class Signals implements AutoCloseable {
    private static final Object LOCK = new Object();
    /** Guarded by LOCK. */
    private static final Map<String, Source> SOURCES = new HashMap<>();

    private final Set<String> names;
    private final Channel<String> channel;
    private final @Nullable EventLoop loop;

    private Signals(Set<String> names, @Nullable EventLoop loop) {
        this.names = names;
        channel = new Channel<>(names.size()); // holds each name at most once
        this.loop = loop;
    }

    /** A signal with listeners. */
    private static final class Source {
        private final String name;
        private final List<Signals> listeners = new CopyOnWriteArrayList<>();
        private final SystemSignals.Handled handled;

        /** The first listener is there before the first signal. */
        Source(String name, Signals first) {
            this.name = name;
            listeners.add(first);
            handled = SystemSignals.handle(name, this::came);
        }

        /**
         * Returns false if there is no listener any more: the last one has just closed, or other code put our handler
         * back after that.
         */
        private boolean came() {
            boolean heard = false;
            for (Signals one : listeners) {
                heard = true;
                one.channel.sendOnce(name);
            }
            return heard;
        }
    }

    /**
     * Listens to signals from now on. May be called from any thread, a coroutine or not.
     *
     * @param names the names without {@code SIG}: {@code TERM}, {@code INT}, {@code HUP}, {@code USR1}, {@code WINCH},
     *     ...
     * @return the signals, to receive from and to close
     * @throws IllegalArgumentException if there is no such signal, or if the JVM or the system keeps it for itself
     * @throws IllegalStateException if this JVM has no signals, or if the calling coroutine's loop has ended
     */
    public static Signals open(String... names) {
        Set<String> wanted = new LinkedHashSet<>(Arrays.asList(names));
        if (wanted.isEmpty()) {
            throw new IllegalArgumentException("one signal must be named at least, none was");
        }
        EventLoop here = EventLoop.currentOrNull();
        var signals = new Signals(wanted, here);
        try {
            for (String name : wanted) {
                signals.listen(Objects.requireNonNull(name, "name"));
            }
            if (here != null && !here.openResources.add(signals)) {
                throw new IllegalStateException(signals + " cannot be opened: " + LoopSelector.ended(here));
            }
        } catch (RuntimeException | Error e) {
            signals.close();
            throw e;
        }
        return signals;
    }

    private void listen(String name) {
        synchronized (LOCK) {
            Source source = SOURCES.get(name);
            if (source == null) {
                SOURCES.put(name, new Source(name, this));
            } else {
                source.listeners.add(this);
            }
        }
    }

    /**
     * Returns the channel of the signals.
     *
     * @return a channel of names, which is closed with this
     */
    public Channel<String> channel() {
        return channel;
    }

    /**
     * Stops listening, and closes the channel. Signals without another listener are handled as before. May be called
     * from any thread.
     */
    @Override
    public void close() {
        synchronized (LOCK) {
            for (String name : names) {
                Source source = SOURCES.get(name);
                if (source != null && source.listeners.remove(this) && source.listeners.isEmpty()) {
                    SOURCES.remove(name);
                    source.handled.restore();
                }
            }
        }
        channel.close();
        if (loop != null) {
            loop.openResources.remove(this);
        }
    }

    /**
     * Returns the signals, and whether this is open.
     *
     * @return such as {@code Signals[HUP, TERM], open}
     */
    @Override
    public String toString() {
        return "Signals" + names + (channel.isClosed() ? ", closed" : ", open");
    }
}
