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
 * <p>The JDK's class for signals is {@code sun.misc.Signal}, which the module {@code jdk.unsupported} exports. It is
 * looked up by reflection on first use, as javac warns of it, and as a runtime image may lack the module.
 */
public final class SystemSignals {
    /** A signal with a handler of the library. */
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

        /** Restores the former handler, unless the program has installed another meanwhile. */
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
            } catch (UnsupportedOperationException e) { // the system's default handler, which Java cannot call
                restore();
                sendAgain();
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
        }

        /** Sends the signal by {@code kill}, as the JDK's {@code raise} refuses signals without a Java handler. */
        private void sendAgain() {
            String name = signal.toString().substring("SIG".length());
            try {
                new ProcessBuilder("kill", "-" + name, Long.toString(ProcessHandle.current().pid())).start();
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "signal " + name + " came when nobody listened any more, and cannot be sent again", e);
            }
        }
    }

    private SystemSignals() {}

    /**
     * Installs a handler for a signal, which runs in a thread that the JVM starts for each signal. The JVM then does
     * not handle the signal itself: it does not exit on {@code TERM}, {@code INT} or {@code HUP}.
     *
     * @param name the name, such as {@code TERM}
     * @param action the handler; if it returns false, the former handler handles this signal and, if that was the
     *     system's default, all later signals
     * @return the registration, which can restore the former handler
     * @throws IllegalArgumentException if there is no such signal, or if the JVM or the system reserves it
     * @throws IllegalStateException if this JVM does not support signals; the message tells the remedy
     */
    public static Handled handle(String name, BooleanSupplier action) {
        Found found = Found.INSTANCE;
        if (found == null) {
            throw new IllegalStateException(
                    "signals cannot be had here: start the JVM with --add-modules jdk.unsupported");
        }
        Object signal;
        try {
            signal = found.constructor.invoke(name);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "there is no signal \"" + name + "\" here: names are such as TERM, HUP or USR1", e);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
        var handled = new Handled(found, signal, action);
        try {
            handled.begin();
            return handled;
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("signal " + name + " is not to be had: the JVM or the system needs it",
                    e);
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

    /** The body of a handler, looked up by name; it ignores the signal. */
    @SuppressWarnings({"unused", "UnusedMethod"})
    private static void call(Runnable action, Object signal) {
        action.run();
    }

    /**
     * The JDK's methods.
     *
     * @param constructor creates a signal
     * @param handle installs a handler
     * @param newHandler creates a handler from an action
     * @param passOn calls a handler with a signal
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

        /**
         * Creates handlers as the compiler creates lambdas: a proxy takes several times as long, and each worker needs
         * one.
         */
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
