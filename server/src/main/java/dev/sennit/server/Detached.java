package dev.sennit.server;

import java.io.OutputStream;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;

/**
 * An answer that goes on without a place among the handlers. It is asked to end when its time is over or its worker
 * stops, and is cut if it goes on for longer than its {@linkplain DetachedLimits#grace grace}.
 */
public final class Detached {
    /** The answer that a handler asked for. */
    record Start(DetachedLimits limits, DetachedHandler handler) implements WebResponse.BodyWriter {
        @Override
        public void write(OutputStream out) {
            throw new IllegalStateException("a detached answer has no body of its own");
        }

        Detached with(List<WebResponse.Field> fields) {
            return new Detached(limits, handler, fields);
        }
    }

    private static final Logger LOGGER = System.getLogger("dev.sennit.server");

    private final DetachedLimits limits;
    private final DetachedHandler handler;
    private final List<WebResponse.Field> fields;
    /** Only the thread of this answer. */
    private final List<Runnable> atEnd = new ArrayList<>();
    private final long begunAt = System.nanoTime();
    private final CompletableFuture<Void> ending = new CompletableFuture<>();
    /** When it was asked to end; 0 if it was not. Written by the thread that looks at limits. */
    private volatile long endingSince;

    private Detached(DetachedLimits limits, DetachedHandler handler, List<WebResponse.Field> fields) {
        this.limits = limits;
        this.handler = handler;
        this.fields = fields;
    }

    /**
     * Whether it is asked to end: say goodbye to the client, and return.
     *
     * @return true from that moment on
     */
    public boolean isEnding() {
        return endingSince != 0;
    }

    /**
     * Completes when it is asked to end, so that waits can be ended. Actions that depend on it run in a virtual thread.
     *
     * @return the stage, which never fails
     */
    public CompletionStage<Void> ending() {
        return ending.minimalCompletionStage();
    }

    /**
     * Has something run when this answer is over, however it ends: whether its response was begun, sent or cut.
     *
     * @param task runs once, in the thread of this answer
     */
    public void atEnd(Runnable task) {
        atEnd.add(Objects.requireNonNull(task, "task"));
    }

    /** Answers a call; by the thread of this answer. */
    void answer(Call call) throws Exception {
        if (!call.isOpen()) {
            return; // it was cut before this thread began
        }
        try {
            WebResponse response = handler.handle(this);
            for (WebResponse.Field field : fields) {
                response = response.header(field.name(), field.value());
            }
            response.send(call);
        } finally {
            for (Runnable task : atEnd) {
                try {
                    task.run();
                } catch (RuntimeException | Error e) { // the others run all the same
                    LOGGER.log(Level.ERROR, "the end of " + call + " failed", e);
                }
            }
        }
    }

    /** Asks it to end if it is time. Only the thread that looks. */
    void look(long now, boolean isStopping, Executor tells) {
        if (endingSince == 0 && (isStopping || now - begunAt >= limits.longest().toNanos())) {
            boolean isAsked = false;
            try {
                endingSince = now | 1;
                tells.execute(() -> ending.complete(null));
                isAsked = true;
            } finally {
                if (!isAsked) { // no thread was available: another look tries again
                    endingSince = 0;
                }
            }
        }
    }

    /** How many nanoseconds after a moment it is cut. */
    long limitFrom(long moment) {
        long asked = endingSince;
        return asked == 0 ? Long.MAX_VALUE : asked - moment + limits.grace().toNanos();
    }

    /** Returns its limits, and whether it is to end. */
    @Override
    public String toString() {
        return "detached answer, " + limits + (isEnding() ? ", ending" : "");
    }
}
