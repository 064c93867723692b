package dev.sennit.benchmarks.queues;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Peer;
import dev.sennit.benchmarks.measure.Python;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Celery on Redis or RabbitMQ, or RQ, with two processes and results; its submitter is a Python: peer_queues.py. */
final class PythonQueue implements QueueSystem {
    private static final long STOP_SECONDS = 10;
    private static final String REDIS = "SENNIT_BENCHMARK_REDIS";
    private static final String BROKER = "SENNIT_BENCHMARK_BROKER";

    /** The programs. */
    enum Kind {
        /** One worker with two processes, and late acks. */
        CELERY("Celery", "celery", "peer_queues.py",
                "\"$@\" </dev/null & worker=$!; cat >/dev/null; kill $worker; wait"),
        /** Two workers, which fork for each job; JSON, as Celery. */
        RQ("RQ", "rq", "peer_rq.py", "\"$@\" </dev/null & one=$!; \"$@\" </dev/null & two=$!; cat >/dev/null;"
                + " kill $one $two; wait");

        private final String title;
        private final String module;
        private final String submitter;
        /** A worker does not end with its starter: the end of the input, however it comes, ends it. */
        private final String script;

        Kind(String title, String module, String submitter, String script) {
            this.title = title;
            this.module = module;
            this.submitter = submitter;
            this.script = script;
        }

        private List<String> worker(String redis) {
            return this == CELERY
                    ? List.of("celery", "-A", "peer_queues", "worker", "--concurrency=2")
                    : List.of("rq.cli", "worker", "--url", redis, "--serializer", "rq.serializers.JSONSerializer");
        }

        /** The version, if this Python has the program and its client of Redis. */
        Optional<String> version(Python python) throws InterruptedException {
            try {
                Process process = new ProcessBuilder(python.command().toString(), "-c", "import " + module
                        + ", redis; print('" + title + "', " + module + ".__version__)")
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
                process.getOutputStream().close();
                String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
                return process.waitFor() == 0 ? Optional.of(answer) : Optional.empty();
            } catch (IOException e) {
                return Optional.empty();
            }
        }
    }

    private final Process worker;
    private final Peer client;

    /**
     * Starts both.
     *
     * @param redis where the results are
     * @param broker where the tasks are: there, or, of Celery, in RabbitMQ
     * @param log where the worker writes
     */
    PythonQueue(Kind kind, Bench bench, Python python, String redis, String broker, Path log)
            throws IOException {
        String command = python.command().toString();
        List<String> words = new ArrayList<>(List.of("sh", "-c", kind.script, "sh", command, "-B", "-m"));
        words.addAll(kind.worker(redis));
        var builder = new ProcessBuilder(words)
                .directory(bench.scripts().toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        builder.environment().put(REDIS, redis);
        builder.environment().put(BROKER, broker);
        worker = builder.start();
        try {
            String submitter = bench.scripts().resolve(kind.submitter).toString();
            client = Peer.start(kind.title,
                    List.of("env", REDIS + "=" + redis, BROKER + "=" + broker, command, "-B", submitter));
        } catch (IOException e) {
            end();
            throw e;
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
