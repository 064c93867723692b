package dev.sennit.benchmarks.pools;

import dev.sennit.pipe.Connection;
import dev.sennit.pipe.Pipe;
import dev.sennit.process.WorkerProcess;
import java.util.ArrayList;
import java.util.List;

/** Keeps every processor busy until it is closed: one process each that computes and never waits. */
final class BusyMachine implements AutoCloseable {
    private final List<WorkerProcess> processes = new ArrayList<>();

    /** Returns when all of them compute. */
    static BusyMachine open() throws Exception {
        var machine = new BusyMachine();
        try {
            for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
                machine.add();
            }
        } catch (Exception e) {
            machine.close();
            throw e;
        }
        return machine;
    }

    private void add() throws Exception {
        try (Pipe pipe = Pipe.oneWay()) {
            Connection begun = pipe.first();
            processes.add(WorkerProcess.builder().daemon(true).start(() -> {
                begun.send("begun");
                compute();
            }));
            pipe.second().receive();
        }
    }

    /** Until it is killed. */
    private static void compute() {
        for (long number = 0;; number++) {
            Primes.isPrime(number);
        }
    }

    /** Returns when they are gone. */
    @Override
    public void close() {
        processes.forEach(WorkerProcess::kill);
        try {
            for (WorkerProcess process : processes) {
                process.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
