package dev.sennit.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Writes down what a run tells and what it writes, in the order in which that comes. */
final class Told implements RunListener, LineSink {
    /** Guarded by itself. */
    private final List<String> all = new ArrayList<>();

    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final CompletableFuture<RunEnd> end = new CompletableFuture<>();

    private void write(String one) {
        synchronized (all) {
            all.add(one);
            all.notifyAll();
        }
    }

    List<String> all() {
        synchronized (all) {
            return List.copyOf(all);
        }
    }

    /** Waits for it. */
    void await(String one) throws InterruptedException {
        synchronized (all) {
            for (int left = 600; !all.contains(one); left--) {
                assertThat(left).as("%s among %s", one, all).isPositive();
                all.wait(100);
            }
        }
    }

    @Override
    public void ready() {
        write("ready");
        ready.complete(null);
    }

    @Override
    public void heartbeat() {
        write("heartbeat");
    }

    @Override
    public void worked(long pieces) {
        write("worked " + pieces);
    }

    @Override
    public void line(boolean error, String text) {
        write((error ? "err " : "out ") + text);
    }

    @Override
    public void ended(RunEnd how) {
        write("ended");
        end.complete(how);
    }

    void awaitReady() throws InterruptedException, ExecutionException, TimeoutException {
        ready.get(60, TimeUnit.SECONDS);
    }

    boolean isReady() {
        return ready.isDone();
    }

    /** Waits for the end. */
    RunEnd end() throws InterruptedException, ExecutionException, TimeoutException {
        return end.get(60, TimeUnit.SECONDS);
    }

    boolean hasEnded() {
        return end.isDone();
    }
}
