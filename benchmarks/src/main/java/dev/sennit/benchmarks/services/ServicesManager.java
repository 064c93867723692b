package dev.sennit.benchmarks.services;

import dev.sennit.benchmarks.measure.Bench;
import dev.sennit.benchmarks.measure.Machine;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A manager of services in a process of its own, and what is said in its pipe: {@code ready SERVICE PID} by a worker,
 * {@code died SERVICE PID} and, once, {@code up manager PID} by the manager. The time of a line is the time at which
 * this JVM has read it, for all managers alike.
 */
final class ServicesManager implements AutoCloseable {
    private static final long LIMIT_SECONDS = 30;
    private static final long STEP_NANOS = 200_000;

    /** A line, and when it was read, by System.nanoTime. */
    record Said(long at, String what, String service, long pid) {}

    /** How to start a manager: the command, to which the pipe is added, and the scene. */
    record Kind(String name, List<String> command) {
        ServicesManager start(Bench bench, String scene) throws IOException, InterruptedException {
            return new ServicesManager(bench, this, scene);
        }
    }

    private final String name;
    private final Path path;
    private final RandomAccessFile pipe;
    private final Process process;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition isSaid = lock.newCondition();
    /** Guarded by the lock. */
    private final List<Said> said = new ArrayList<>();

    private ServicesManager(Bench bench, Kind kind, String scene) throws IOException, InterruptedException {
        name = kind.name() + ", " + scene;
        path = bench.newFile("services-" + System.nanoTime());
        if (new ProcessBuilder("mkfifo", path.toString()).inheritIO().start().waitFor() != 0) {
            throw new IOException("mkfifo " + path + " failed");
        }
        pipe = new RandomAccessFile(path.toFile(), "rw"); // never at its end, as it can be written here too
        List<String> command = new ArrayList<>(kind.command());
        command.addAll(List.of(path.toString(), scene));
        try {
            Thread.ofPlatform().daemon().name(name).start(this::read);
            process = new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
        } catch (IOException e) {
            end();
            throw e;
        }
    }

    private void read() {
        try (pipe;
                var lines = new BufferedReader(
                        new InputStreamReader(new FileInputStream(pipe.getFD()), StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); !line.equals("end"); line = lines.readLine()) {
                long at = System.nanoTime();
                String[] words = line.split(" ");
                lock.lock();
                try {
                    said.add(new Said(at, words[0], words[1], Long.parseLong(words[2])));
                    isSaid.signalAll();
                } finally {
                    lock.unlock();
                }
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    // ---- what is said ----

    /** Waits for the first line of a kind that was read after a moment. */
    Said await(String what, String service, long after) throws InterruptedException {
        return awaitAll(1, what, service, after).getFirst();
    }

    /** Waits for so many lines of a kind; of any service, if that is empty. */
    List<Said> awaitAll(int count, String what, String service, long after) throws InterruptedException {
        long left = TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        lock.lock();
        try {
            while (true) {
                List<Said> found = said.stream()
                        .filter(one -> one.what().equals(what) && (service.isEmpty() || one.service().equals(service))
                                && one.at() - after > 0)
                        .toList();
                if (found.size() >= count) {
                    return found;
                }
                if (left <= 0) {
                    throw new IllegalStateException(name + ": no \"" + what + " " + service + "\" (" + count + ") in "
                            + LIMIT_SECONDS + " s");
                }
                left = isSaid.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /** The last that is known of a service's worker. */
    Said last(String what, String service) throws InterruptedException {
        return awaitAll(1, what, service, System.nanoTime() - TimeUnit.HOURS.toNanos(1)).getLast();
    }

    // ---- what is done to it ----

    /** Writes a line to its standard input. */
    void say(String line) throws IOException {
        var out = process.getOutputStream();
        out.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }

    /** Kills the worker of a service, with SIGKILL; returns when. */
    long kill(String service) throws InterruptedException {
        ProcessHandle worker = ProcessHandle.of(last("ready", service).pid())
                .orElseThrow(() -> new IllegalStateException(name + ": the worker of " + service + " has ended"));
        long moment = System.nanoTime();
        worker.destroyForcibly();
        return moment;
    }

    /** All processes below it. */
    List<ProcessHandle> descendants() {
        return process.descendants().toList();
    }

    /** Kills it, with SIGKILL; returns when. */
    long kill() {
        long moment = System.nanoTime();
        process.destroyForcibly();
        return moment;
    }

    /** Its resident memory, in bytes. */
    long memory() throws IOException, InterruptedException {
        return Machine.memory(Path.of("/proc/" + last("up", "manager").pid() + "/status"), "VmRSS");
    }

    /**
     * Waits until processes have ended, whoever collects them.
     *
     * @return how long after a moment; infinite if they have not within a limit
     */
    static double secondsUntilGone(List<Long> pids, long since, double limit) {
        while (pids.stream().anyMatch(ServicesManager::runs)) {
            if (Bench.secondsSince(since) > limit) {
                return Double.POSITIVE_INFINITY;
            }
            LockSupport.parkNanos(STEP_NANOS);
        }
        return Bench.secondsSince(since);
    }

    private static boolean runs(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            char state = stat.charAt(stat.lastIndexOf(')') + 2);
            return state != 'Z' && state != 'X';
        } catch (IOException e) { // there is none any more
            return false;
        }
    }

    /** The end of its input tells it to go; it and its workers are killed if it does not. */
    @Override
    public void close() throws IOException {
        List<ProcessHandle> workers = descendants();
        try {
            process.getOutputStream().close();
            process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (IOException e) {
            // it has ended
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
        workers.forEach(ProcessHandle::destroyForcibly);
        end();
    }

    private void end() throws IOException {
        Files.writeString(path, "end\n");
        Files.delete(path);
    }
}
