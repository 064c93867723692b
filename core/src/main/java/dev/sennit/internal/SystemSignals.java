package dev.sennit.internal;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.CallSite;
import java.lang.invoke.LambdaConversionException;
import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Signals that the operating system sends to this JVM.
 *
 * <p>What the JDK has for them is {@code sun.misc.Signal}, in the module {@code jdk.unsupported}, which exports it. It is looked for when
 * first used and not linked, as javac warns of it, and as a JVM with few modules may be without it.
 */
public final class SystemSignals {
    /** A signal that is handled by us. */
    public static final class Handled {
        private final Object signal;
        private final BooleanSupplier action;
        private final Object handler;
        private volatile @Nullable Object former;

        private Handled(Found found, Object signal, BooleanSupplier action) {
            this.signal = signal;
            this.action = action;
            handler = found.handler(this::came);
        }

        private void begin() {
            former = handle(signal, handler);
        }

        /** Has the signal handled as before; nothing if somebody else handles it by now. */
        public void restore() {
            Object current = handle(signal, former());
            if (current != handler) {
                handle(signal, current);
            }
        }

        private Object former() {
            return Objects.requireNonNull(former, "not restored before it was handled");
        }

        private void came() {
            if (action.getAsBoolean()) {
                return;
            }
            try {
                Objects.requireNonNull(Found.INSTANCE).passOn.invoke(former(), signal);
            } catch (UnsupportedOperationException e) { // the system's own, which only the system can call
                restore();
                sendAgain();
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }

        /** The JDK's own {@code raise} refuses signals that it does not handle itself. */
        private void sendAgain() {
            String name = signal.toString().substring("SIG".length());
            try {
                new ProcessBuilder("kill", "-" + name, Long.toString(ProcessHandle.current().pid())).start();
            } catch (IOException e) {
                throw new UncheckedIOException("signal " + name + " came when nobody listened any more, and cannot be sent again", e);
            }
        }
    }

    private SystemSignals() {}

    /**
     * Has an action called for each signal of a kind, in a thread that the JVM starts for it. The JVM then does nothing else: for {@code
     * TERM}, {@code INT} and {@code HUP} it does not end.
     *
     * @param name such as {@code TERM}
     * @param action what to call; if it returns false, the signal is handled as before: that one, and where the system did it, all later
     *     ones
     * @return what restores the former handler
     * @throws IllegalArgumentException if there is no such signal, or if it is not to be had: the JVM or the system needs it
     * @throws IllegalStateException if this JVM has no signals; the message says what to do
     */
    public static Handled handle(String name, BooleanSupplier action) {
        Found found = Found.INSTANCE;
        if (found == null) {
            throw new IllegalStateException("signals cannot be had here: start the JVM with --add-modules jdk.unsupported");
        }
        Object signal;
        try {
            signal = found.constructor.invoke(name);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("there is no signal \"" + name + "\" here: names are such as TERM, HUP or USR1", e);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        var handled = new Handled(found, signal, action);
        try {
            handled.begin();
            return handled;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("signal " + name + " is not to be had: the JVM or the system needs it", e);
        }
    }

    private static Object handle(Object signal, Object handler) {
        try {
            return Objects.requireNonNull(Found.INSTANCE).handle.invoke(signal, handler);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** What a handler does, which is made of this method by its name; it has no use for the signal. */
    @SuppressWarnings({"unused", "UnusedMethod"})
    private static void call(Runnable action, Object signal) {
        action.run();
    }

    /**
     * The JDK's own.
     *
     * @param constructor makes a signal
     * @param handle has one handled
     * @param newHandler makes a handler of an action
     * @param passOn has a handler handle a signal
     */
    private record Found(MethodHandle constructor, MethodHandle handle, MethodHandle newHandler, MethodHandle passOn) {
        static final @Nullable Found INSTANCE = find();

        private static @Nullable Found find() {
            try {
                Class<?> signal = Class.forName("sun.misc.Signal");
                Class<?> handler = Class.forName("sun.misc.SignalHandler");
                SystemSignals.class.getModule().addReads(signal.getModule());
                MethodHandles.Lookup lookup = MethodHandles.lookup();
                MethodType action = MethodType.methodType(void.class, signal);
                return new Found(
                        lookup.findConstructor(signal, MethodType.methodType(void.class, String.class)),
                        lookup.findStatic(signal, "handle", MethodType.methodType(handler, signal, handler)),
                        handlers(lookup, handler, action).getTarget(),
                        lookup.findVirtual(handler, "handle", action));
            } catch (ReflectiveOperationException | LambdaConversionException | RuntimeException e) {
                return null;
            }
        }

        /** As the compiler makes lambdas: each worker starts with one, and a proxy takes several times as long to make. */
        private static CallSite handlers(MethodHandles.Lookup lookup, Class<?> handler, MethodType action)
                throws ReflectiveOperationException, LambdaConversionException {
            MethodHandle call = lookup.findStatic(
                    SystemSignals.class, "call", MethodType.methodType(void.class, Runnable.class, Object.class));
            return LambdaMetafactory.metafactory(
                    lookup, "handle", MethodType.methodType(handler, Runnable.class), action, call, action);
        }

        Object handler(Runnable action) {
            try {
                return newHandler.invoke(action);
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }
    }
}
