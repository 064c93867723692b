package dev.sennit.server;

import dev.sennit.server.jetty.HeldRequest;
import dev.sennit.server.jetty.JettyApplication;
import dev.sennit.server.traffic.LeastRate;
import dev.sennit.server.traffic.StallException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.eclipse.jetty.http.HttpException;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.io.QuietException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.thread.Invocable;
import org.jspecify.annotations.Nullable;

/**
 * A call that a handler of Jetty answers, maybe after {@code handle} has returned and in several threads.
 *
 * <p>The handler gets a request, a response and a callback that stand before Jetty's. They count the body, make the
 * response the last of its connection while the worker stops, and know when the call was cut at its deadline: then all
 * that the handler reads and writes fails, and its failure listeners are called. Jetty's callback is completed when the
 * handler has completed its own, and after a cut also the 503 was written: until then Jetty must not use the request
 * again. So a handler that does not heed the cut holds its place.
 */
final class HeldCall extends HeldRequest {
    private final Call call;
    private final JettyApplication application;
    private final Response response;
    private final Guarded guarded;
    /** Jetty's. */
    private final Callback callback;
    private final long bodySize;
    private final Executor virtual;
    /** Called once with the failure, when the call holds its place no more. */
    private final Consumer<@Nullable Throwable> onEnd;

    private final AtomicBoolean isCompleted = new AtomicBoolean();
    /** The events after a cut before Jetty's callback is completed: the end of the handler, and of the 503. */
    private final AtomicInteger beforeEnd = new AtomicInteger(2);
    /** Why the 503 could not be written. Written before the count. */
    private volatile @Nullable Throwable cutFailure;

    // guarded by this
    private final Map<Thread, Integer> threads = new HashMap<>();
    private final List<Consumer<Throwable>> failureListeners = new ArrayList<>();
    private @Nullable Throwable cut;

    // Only the thread that reads the body, of which there is one at a time; Jetty hands them over.
    private final LeastRate rate;
    private long bodyRead;
    /** How long it has waited for what it reads next. */
    private long waited;

    HeldCall(
            Call call, JettyApplication application, Request request, Response response, Callback callback,
            ServerSettings settings, Executor virtual, Consumer<@Nullable Throwable> onEnd) {
        super(request);
        this.call = call;
        this.application = application;
        this.response = response;
        this.callback = callback;
        bodySize = settings.bodySize();
        rate = new LeastRate(settings.bodyRate(), settings.bodyGrace());
        this.virtual = virtual;
        this.onEnd = onEnd;
        guarded = new Guarded();
    }

    JettyApplication application() {
        return application;
    }

    Response response() {
        return guarded;
    }

    Callback callback() {
        return Callback.from(() -> completed(null), this::completed);
    }

    // ---- threads ----

    @Override
    public synchronized void enters() {
        threads.merge(Thread.currentThread(), 1, Integer::sum);
    }

    @Override
    public synchronized void leaves() {
        threads.computeIfPresent(Thread.currentThread(), (thread, depth) -> {
            if (depth > 1) {
                return depth - 1;
            }
            Thread.interrupted(); // it goes on with other work
            return null;
        });
    }

    /** Not in {@link #enters}: listeners that hear of the cut, and clean up, enter after it. */
    @Override
    public void dispatches() {
        if (call.isCut()) {
            Thread.currentThread().interrupt();
        }
    }

    /** Interrupts all threads that work on the call. */
    synchronized void interrupt() {
        threads.keySet().forEach(Thread::interrupt);
    }

    // ---- the cut ----

    /** Called by Jetty when the response to a call that was cut is written, or if it cannot be. */
    Callback afterCut() {
        return Callback.from(() -> wasCut(null), this::wasCut);
    }

    private void wasCut(@Nullable Throwable failure) {
        cutFailure = failure;
        endAfterCut();
    }

    /**
     * Calls the failure listeners. Called again and again while the handler goes on after a cut: Jetty's Servlets pass
     * over it in a request that has not become asynchronous yet.
     */
    void tellListeners() {
        List<Consumer<Throwable>> told;
        Throwable failure;
        synchronized (this) {
            if (cut == null) {
                cut = new CutException();
            }
            failure = cut;
            told = List.copyOf(failureListeners);
        }
        virtual.execute(() -> told.forEach(one -> one.accept(failure)));
    }

    @Override
    public void addFailureListener(Consumer<Throwable> listener) {
        synchronized (this) {
            failureListeners.add(listener);
        }
        super.addFailureListener(listener);
    }

    private void endAfterCut() {
        if (beforeEnd.decrementAndGet() == 0) {
            Throwable failure = cutFailure;
            if (failure == null) {
                callback.succeeded();
            } else {
                callback.failed(failure);
            }
        }
    }

    // ---- the body ----

    @Override
    public Content.@Nullable Chunk read() {
        if (call.isCut()) {
            return Content.Chunk.from(WebResponse.cut(), true);
        }
        Content.Chunk chunk = super.read();
        if (chunk == null) {
            return null;
        }
        if (Content.Chunk.isFailure(chunk)) {
            return Content.Chunk.from(StallException.of(chunk.getFailure()), chunk.isLast());
        }
        int count = chunk.remaining();
        bodyRead += count;
        if (bodyRead > bodySize) {
            return refused(chunk, HttpStatus.PAYLOAD_TOO_LARGE_413,
                    "the body of the request has more than " + bodySize + " bytes");
        }
        if (count > 0) { // not the end alone
            try {
                rate.came(count, waited);
            } catch (IOException e) {
                return refused(chunk, HttpStatus.REQUEST_TIMEOUT_408, "the body of the request comes too slowly");
            }
            waited = 0;
        }
        return chunk;
    }

    private Content.Chunk refused(Content.Chunk chunk, int status, String text) {
        chunk.release();
        var failure = new HttpException.RuntimeException(status, text);
        super.fail(failure);
        return Content.Chunk.from(failure, true);
    }

    /** Counts the time until there is something to read: a handler that reads late is not its client's fault. */
    @Override
    public void demand(Runnable reads) {
        long asked = System.nanoTime();
        super.demand(Invocable.from(Invocable.getInvocationType(reads), () -> {
            waited += System.nanoTime() - asked;
            reads.run();
        }));
    }

    // ---- the end ----

    private void completed(@Nullable Throwable failure) {
        if (!isCompleted.compareAndSet(false, true)) {
            return;
        }
        Throwable cause = failure;
        try {
            if (!call.heldEnds(guarded.getStatus() == HttpStatus.SWITCHING_PROTOCOLS_101 && failure == null
                    ? application
                    : null)) {
                endAfterCut();
            } else if (failure == null) {
                if (!response.isCommitted()) {
                    guarded.publish();
                    call.closeIfLast();
                }
                callback.succeeded();
            } else {
                callback.failed(failure);
            }
            cause = failure == null ? application.failureOf(this) : failure;
        } finally {
            onEnd.accept(cause);
        }
    }

    /** Not one for a log again, as the cut is in it. */
    private static final class CutException extends TimeoutException implements QuietException {
        private static final long serialVersionUID = 1L;

        CutException() {
            super("the request took too long");
        }
    }

    /**
     * The response, as far as the handler may still write it. Its head is the handler's alone until it is sent: so the
     * 503 at the deadline has nothing of it, and no two threads write into one head.
     */
    private final class Guarded extends Response.Wrapper {
        // Written by the handler, in one thread at a time, like all of a response.
        private final HttpFields.Mutable head = HttpFields.build(response.getHeaders());
        private int status;
        private @Nullable Supplier<HttpFields> trailers;
        private boolean isPublished;

        Guarded() {
            super(HeldCall.this, HeldCall.this.response);
        }

        @Override
        public HttpFields.Mutable getHeaders() {
            return head;
        }

        @Override
        public int getStatus() {
            return isPublished ? super.getStatus() : status;
        }

        @Override
        public void setStatus(int newStatus) {
            if (!isPublished) {
                status = newStatus;
            }
        }

        @Override
        public @Nullable Supplier<HttpFields> getTrailersSupplier() {
            return isPublished ? super.getTrailersSupplier() : trailers;
        }

        @Override
        public void setTrailersSupplier(@Nullable Supplier<HttpFields> newTrailers) {
            if (isPublished) {
                super.setTrailersSupplier(newTrailers);
            } else {
                trailers = newTrailers;
            }
        }

        @Override
        public void reset() {
            if (isPublished) {
                super.reset(); // refuses it, if the head was sent
            }
            head.clear();
            status = 0;
            trailers = null;
            isPublished = false;
        }

        /** Makes the head Jetty's. Called by the thread that has made the step to SENDING or ENDED. */
        private void publish() {
            if (isPublished) {
                return;
            }
            isPublished = true;
            HttpFields.Mutable sent = response.getHeaders();
            sent.clear();
            Set<String> kept = new HashSet<>(); // Jetty's own, of which there may be one each
            sent.forEach(field -> kept.add(field.getLowerCaseName()));
            for (HttpField field : head) {
                if (kept.remove(field.getLowerCaseName())) {
                    sent.put(field);
                } else {
                    sent.add(field);
                }
            }
            if (status != 0) { // which is what nobody has set, and Jetty refuses
                response.setStatus(status);
            }
            if (trailers != null) { // so that no response is sent in chunks for none
                response.setTrailersSupplier(trailers);
            }
        }

        @Override
        public CompletableFuture<Void> writeInterim(int interim, HttpFields fields) {
            return call.isCut()
                    ? CompletableFuture.failedFuture(WebResponse.cut())
                    : super.writeInterim(interim, fields);
        }

        @Override
        public void write(boolean isLast, @Nullable ByteBuffer bytes, Callback written) {
            if (!call.heldWrites()) {
                IOException failure = WebResponse.cut();
                written.failed(failure);
                return;
            }
            publish();
            int known = getStatus() == 0 ? HttpStatus.OK_200 : getStatus(); // 0 is what nobody has set
            if (!isCommitted() && known >= HttpStatus.OK_200) {
                boolean hasBody = !HttpStatus.hasNoBody(known) && !call.method().equals("HEAD");
                call.beforeHead(!isLast && hasBody);
            }
            super.write(isLast, bytes,
                    Callback.from(written::succeeded, failure -> written.failed(StallException.of(failure))));
        }
    }
}
