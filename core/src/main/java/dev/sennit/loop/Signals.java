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
 * Signals of the operating system, as a {@link Channel}: whoever receives from it gets the name of the next one.
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
 * <p>As in the system itself, one that comes again before it was received counts once, and the order of those that come together is
 * not kept. Nothing of the receiver runs in the thread of the signal; in an {@link EventLoop} it is an ordinary turn. With {@link
 * Select} one waits for signals and for something else. All who have opened a signal get it.
 *
 * <p>While it is open the JVM does nothing by itself for these signals: {@code TERM}, {@code INT} and {@code HUP} do not end it, so
 * whoever receives them has to see to that. {@link #close} gives the signals back. What a coroutine opens and does not close is
 * closed when its loop has ended.
 *
 * <p>Which signals there are is up to the system and the JVM. On Linux and macOS that is all but {@code KILL}, {@code STOP}, {@code QUIT}
 * (which prints the stacks of all threads) and those of errors such as {@code SEGV}; Flight Recorder wants {@code USR2} for itself.
 * {@code HUP}, {@code INT} and {@code TERM} stay ignored where they were when the JVM was started, as {@code HUP} is by {@code nohup}. The JVM needs the module {@code
 * jdk.unsupported}: a program on the module path may have to ask for it with {@code --add-modules jdk.unsupported}.
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
        channel = new Channel<>(names.size()); // each is in it once
        this.loop = loop;
    }

    /** A signal that somebody listens to. */
    private static final class Source {
        private final String name;
        private final List<Signals> listeners = new CopyOnWriteArrayList<>();
        private final SystemSignals.Handled handled;

        /** There is a listener before there is a signal. */
        Source(String name, Signals first) {
            this.name = name;
            listeners.add(first);
            handled = SystemSignals.handle(name, this::came);
        }

        /** False if nobody listens any more: the last one has just closed, or somebody put our handler back after that. */
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
     * Listens to signals from now on. By any thread, a coroutine or not.
     *
     * @param names which, without {@code SIG}: {@code TERM}, {@code INT}, {@code HUP}, {@code USR1}, {@code WINCH}, ...
     * @return what to receive from, and to close
     * @throws IllegalArgumentException if there is no such signal, or if the JVM or the system does not let go of it
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
     * Where they come from.
     *
     * @return a channel of names, which is closed with this
     */
    public Channel<String> channel() {
        return channel;
    }

    /** Listens no more, and closes the channel. Signals that nobody listens to are handled as before. From any thread. */
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
     * Which signals.
     *
     * @return such as {@code Signals[HUP, TERM], open}
     */
    @Override
    public String toString() {
        return "Signals" + names + (channel.isClosed() ? ", closed" : ", open");
    }
}
