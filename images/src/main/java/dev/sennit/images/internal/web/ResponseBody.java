package dev.sennit.images.internal.web;

import java.io.IOException;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of a response. Its reader waits for a limited time, can be interrupted, and may stop at any time.
 *
 * <p>The client's threads add a piece after each request; a single thread reads. Closing it at any time, also before
 * the response, ends the transfer.
 */
public final class ResponseBody implements BodySubscriber<ResponseBody>, AutoCloseable {
    private sealed interface Event {
        record Piece(List<ByteBuffer> bytes) implements Event {}

        record Failure(Throwable cause) implements Event {}

        record End() implements Event {}
    }

    private final LinkedBlockingQueue<Event> events = new LinkedBlockingQueue<>();
    /** Guarded by this. */
    private Flow.@Nullable Subscription subscription;
    /** Guarded by this. */
    private boolean closed;
    /** Only the reader. */
    private boolean ended;

    @Override
    public CompletionStage<ResponseBody> getBody() {
        return CompletableFuture.completedFuture(this);
    }

    @Override
    public void onSubscribe(Flow.Subscription newSubscription) {
        boolean wanted;
        synchronized (this) {
            wanted = !closed && subscription == null;
            if (wanted) {
                subscription = newSubscription;
            }
        }
        if (wanted) {
            newSubscription.request(1);
        } else {
            newSubscription.cancel();
        }
    }

    @Override
    public void onNext(List<ByteBuffer> bytes) {
        events.add(new Event.Piece(bytes));
    }

    @Override
    public void onError(Throwable failure) {
        events.add(new Event.Failure(failure));
    }

    @Override
    public void onComplete() {
        events.add(new Event.End());
    }

    /** Returns whether all of it was read. */
    public boolean hasEnded() {
        return ended;
    }

    /**
     * Returns the next piece.
     *
     * @return the piece; null if none came in time; empty when the body has {@linkplain #hasEnded ended}
     */
    public @Nullable List<ByteBuffer> next(long nanos) throws IOException, InterruptedException {
        Event event = events.poll(nanos, TimeUnit.NANOSECONDS);
        return switch (event) {
            case null -> null;
            case Event.Piece piece -> {
                request();
                yield piece.bytes();
            }
            case Event.Failure failure ->
                throw failure.cause() instanceof IOException e ? e : new IOException(failure.cause());
            case Event.End end -> {
                ended = true;
                yield List.of();
            }
        };
    }

    private void request() {
        Flow.Subscription current;
        synchronized (this) {
            current = subscription;
        }
        if (current != null) {
            current.request(1);
        }
    }

    @Override
    public void close() {
        Flow.Subscription current;
        synchronized (this) {
            closed = true;
            current = subscription;
        }
        if (current != null && !ended) {
            current.cancel();
        }
    }
}
