package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Peer;
import dev.sennit.benchmarks.measure.Python;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Celery on Redis, with two processes, late acks and results; its submitter is a Python too: see peer_queues.py. */
final class CeleryQueue implements QueueSystem {
    private static final long STOP_SECONDS = 10;
    private static final String REDIS = "SENNIT_BENCHMARK_REDIS";
    private static final String BROKER = "SENNIT_BENCHMARK_BROKER";

    private final Process worker;
    private final Peer client;

    /**
     * Starts both.
     *
     * @param redis where the results are
     * @param broker where the tasks are: there, or in RabbitMQ
     * @param log where the worker writes
     */
    CeleryQueue(Bench bench, Python python, String redis, String broker, Path log) throws IOException {
        String command = python.command().toString();
        // A worker does not end with its starter: the end of the input, however it comes, ends it.
        String script = "\"$@\" </dev/null & worker=$!; cat >/dev/null; kill $worker; wait $worker";
        var builder = new ProcessBuilder(
                "sh", "-c", script, "sh", command, "-B", "-m", "celery", "-A", "peer_queues", "worker",
                "--concurrency=2")
                .directory(bench.scripts().toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put(REDIS, redis);
        builder.environment().put(BROKER, broker);
        worker = builder.start();
        try {
            String submitter = bench.scripts().resolve("peer_queues.py").toString();
            client = Peer.start("Celery", List.of("env", REDIS + "=" + redis, BROKER + "=" + broker, command, "-B",
                    submitter));
        } catch (IOException e) {
            end();
            throw e;
        }
    }

    /** The versions, if this Python has Celery and its client of Redis. */
    static Optional<String> version(Python python) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(python.command().toString(), "-c",
                    "import celery, redis; print('Celery', celery.__version__)")
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
            return process.waitFor() == 0 ? Optional.of(answer) : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public double runAll(int count) throws IOException {
        return client.measure("run " + count)[0];
    }

    @Override
    public double enqueue(int count, int batch) throws IOException {
        return client.measure("enqueue " + count + " " + batch)[0];
    }

    @Override
    public boolean isPushed() {
        return true;
    }

    @Override
    public double[] latency(int count, long pauseMillis) throws IOException {
        return client.measure("latency " + count + " " + pauseMillis);
    }

    private Stream<ProcessHandle> processes() {
        return worker.descendants().filter(each -> each.info().command().orElse("").contains("python"));
    }

    @Override
    public double processorSeconds() {
        return processes()
                .mapToDouble(each -> each.info().totalCpuDuration().orElseThrow().toNanos() / 1e9)
                .sum();
    }

    @Override
    public long memory(boolean isSharedOnce) throws IOException {
        return JavaWorker.memory(processes().mapToLong(ProcessHandle::pid), isSharedOnce);
    }

    @Override
    public void close() {
        client.close();
        end();
    }

    private void end() {
        List<ProcessHandle> children = worker.descendants().toList();
        try {
            worker.getOutputStream().close();
            worker.waitFor(STOP_SECONDS, TimeUnit.SECONDS);
        } catch (IOException e) {
            // it has ended
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        worker.destroyForcibly();
        children.forEach(ProcessHandle::destroyForcibly);
    }
}
