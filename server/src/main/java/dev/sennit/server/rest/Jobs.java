package dev.sennit.server.rest;

import dev.sennit.Pool;
import dev.sennit.TaskFunction;
import dev.sennit.internal.text.JsonLine;
import dev.sennit.server.RefusedException;
import dev.sennit.server.Routes;
import dev.sennit.server.WebRequest;
import dev.sennit.server.WebResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Jobs that go on after the request that asked for them: the client gets 202 and a place to look at.
 *
 * {@snippet :
 * import dev.sennit.server.*;
 * import dev.sennit.server.rest.Jobs;
 *
 * Pool pool = Pools.open("processes:2");
 * Jobs<String, Long> counts = Jobs.over(
 *         pool,
 *         text -> text.chars().filter(Character::isWhitespace).count(),
 *         (request, body) -> new String(body),
 *         count -> WebResponse.text(count + "\n"));
 * Routes routes = counts.addTo(Routes.create(), "/counts");
 * }
 *
 * <table>
 * <caption>The routes</caption>
 * <tr><td>{@code POST /counts}</td><td>202, {@code Location: /counts/ID}, and the job as JSON</td></tr>
 * <tr><td>{@code GET /counts/ID}</td><td>the job: {@code {"id":"...","state":"RUNNING","progress":{"done":3,
 * "total":7,"message":"..."}}}, {@code "result":"/counts/ID/result"} once it has succeeded, {@code "failure":"..."} if
 * it has failed; with an {@code ETag}</td></tr>
 * <tr><td>{@code GET /counts/ID/result}</td><td>the result; 202 and the job while there is none, 500 if the job has
 * failed, 410 if it was cancelled</td></tr>
 * <tr><td>{@code DELETE /counts/ID}</td><td>cancels the job, also if it runs; the job</td></tr>
 * </table>
 *
 * <p>A client that sends {@code Idempotency-Key} may send its request again when it does not know whether it came: the
 * same request gets the same job, another one with that key gets 422. A key is known for as long as its job. Too many
 * jobs are answered with 503 and {@code Retry-After}.
 *
 * <p>Jobs in memory are those of one worker: with several workers use a {@linkplain #in store} that they share.
 *
 * @param <A> the type of what jobs work on
 * @param <R> the type of their results
 */
public final class Jobs<A, R extends @Nullable Object> implements AutoCloseable {
    private final JobStore<A, R> store;
    private final JobReader<A> reader;
    private final Function<R, WebResponse> writer;
    private final boolean showsFailures;

    private Jobs(
            JobStore<A, R> store, JobReader<A> reader, Function<R, WebResponse> writer, boolean showsFailures) {
        this.store = Objects.requireNonNull(store, "store");
        this.reader = Objects.requireNonNull(reader, "reader");
        this.writer = Objects.requireNonNull(writer, "writer");
        this.showsFailures = showsFailures;
    }

    /**
     * Makes jobs in memory, with the {@linkplain JobLimits#DEFAULTS usual limits}.
     *
     * @param pool runs them; of any kind, and not closed with this
     * @param function what a job does; it and its arguments travel to workers that are processes. It may report
     *     {@linkplain dev.sennit.TaskProgress progress}
     * @param reader makes arguments of requests
     * @param writer makes responses of results
     * @param <A> the type of what jobs work on
     * @param <R> the type of their results
     * @return the jobs, which the caller closes
     */
    public static <A, R extends @Nullable Object> Jobs<A, R> over(
            Pool pool, TaskFunction<A, R> function, JobReader<A> reader, Function<R, WebResponse> writer) {
        return over(pool, function, reader, writer, JobLimits.DEFAULTS);
    }

    /**
     * Makes jobs in memory.
     *
     * @param pool as above
     * @param function as above
     * @param reader as above
     * @param writer as above
     * @param limits how many are kept
     * @param <A> the type of what jobs work on
     * @param <R> the type of their results
     * @return the jobs, which the caller closes
     */
    public static <A, R extends @Nullable Object> Jobs<A, R> over(
            Pool pool, TaskFunction<A, R> function, JobReader<A> reader, Function<R, WebResponse> writer,
            JobLimits limits) {
        Objects.requireNonNull(pool, "pool");
        Objects.requireNonNull(function, "function");
        return in(new PoolJobStore<>(pool, function, limits, System::nanoTime), reader, writer);
    }

    /**
     * Makes jobs that are in a store.
     *
     * @param store keeps and runs them
     * @param reader makes arguments of requests
     * @param writer makes responses of results
     * @param <A> the type of what jobs work on
     * @param <R> the type of their results
     * @return the jobs
     */
    public static <A, R extends @Nullable Object> Jobs<A, R> in(
            JobStore<A, R> store, JobReader<A> reader, Function<R, WebResponse> writer) {
        return new Jobs<>(store, reader, writer, false);
    }

    /**
     * Returns these jobs, whose clients get to read why a job has failed: the first line of the exception's message.
     * Without this they read that it has, and the log has the reason.
     *
     * @return the jobs
     */
    public Jobs<A, R> showingFailures() {
        return new Jobs<>(store, reader, writer, true);
    }

    /**
     * Adds the routes.
     *
     * @param routes gets them
     * @param path where jobs are made, and under which each has its place; without parameters
     * @return the routes
     */
    public Routes addTo(Routes routes, String path) {
        if (path.contains("{") || path.endsWith("/")) {
            throw new IllegalArgumentException(
                    "the path of jobs must have no parameters and not end with /, was \"" + path + "\"");
        }
        return routes.post(path, request -> submit(request, path))
                .get(path + "/{job}",
                        Conditional.of(request -> json(found(store.find(request.parameter("job"))), path)))
                .get(path + "/{job}/result", request -> result(found(store.find(request.parameter("job"))), path))
                .on("DELETE", path + "/{job}",
                        request -> json(found(store.cancel(request.parameter("job"))), path));
    }

    private WebResponse submit(WebRequest request, String path) throws Exception {
        byte[] body = request.bytes();
        IdempotencyKey key = key(request, body);
        A argument = reader.read(request, body);
        JobSubmission submission;
        try {
            submission = store.submit(argument, key);
        } catch (RejectedExecutionException e) {
            throw new RefusedException(503, "the job cannot be taken now");
        }
        if (submission.outcome() == JobSubmission.Outcome.CONFLICT) {
            throw new RefusedException(422, "this Idempotency-Key was used for another request");
        }
        Job<R> job = store.find(submission.id())
                .orElseGet(() -> new Job<>(submission.id(), JobState.QUEUED, Optional.empty(), null, null));
        return json(job, path).status(202).header("Location", path + "/" + job.id());
    }

    private static @Nullable IdempotencyKey key(WebRequest request, byte[] body) throws RefusedException {
        Optional<String> key = request.header("Idempotency-Key");
        if (key.isEmpty()) {
            return null;
        }
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(request.header("Content-Type").orElse("").getBytes(StandardCharsets.UTF_8));
            digest.update((byte) 0);
            return new IdempotencyKey(key.get(), HexFormat.of().formatHex(digest.digest(body)));
        } catch (IllegalArgumentException e) {
            throw new RefusedException(400, String.valueOf(e.getMessage()));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("each JDK has SHA-256", e);
        }
    }

    private Job<R> found(Optional<Job<R>> job) throws RefusedException {
        return job.orElseThrow(() -> new RefusedException(404, "there is no such job, or it is not kept any more"));
    }

    private WebResponse result(Job<R> job, String path) throws RefusedException {
        return switch (job.state()) {
            case SUCCEEDED -> written(job);
            case FAILED -> WebResponse.text(failure(job) + "\n").status(500);
            case CANCELLED -> throw new RefusedException(410, "the job was cancelled");
            case QUEUED, RUNNING -> json(job, path).status(202);
        };
    }

    @SuppressWarnings("NullAway") // a null result is an R whenever the job could return it
    private WebResponse written(Job<R> job) {
        return writer.apply(job.result());
    }

    private String failure(Job<R> job) {
        return showsFailures && job.failure() != null ? job.failure() : "the job failed";
    }

    private WebResponse json(Job<R> job, String path) {
        JsonLine line = new JsonLine().put("id", job.id()).put("state", job.state().name());
        job.progress().ifPresent(progress -> line.put("progress", new JsonLine()
                .put("done", progress.done())
                .put("total", progress.total().isPresent() ? progress.total().getAsLong() : null)
                .put("message", progress.message())));
        if (job.state() == JobState.SUCCEEDED) {
            line.put("result", path + "/" + job.id() + "/result");
        }
        if (job.state() == JobState.FAILED) {
            line.put("failure", failure(job));
        }
        return WebResponse.bytes("application/json", (line + "\n").getBytes(StandardCharsets.UTF_8))
                .header("Cache-Control", "no-cache");
    }

    /** Closes the store, if it can be closed. Jobs go on for as long as their pool does. */
    @Override
    public void close() throws IOException {
        if (store instanceof AutoCloseable closeable) {
            try {
                closeable.close();
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException("the store of jobs was not closed", e);
            }
        }
    }

    /** Returns the store. */
    @Override
    public String toString() {
        return store.toString();
    }
}
