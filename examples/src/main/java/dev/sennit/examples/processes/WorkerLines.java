package dev.sennit.examples.processes;

import dev.sennit.process.ProcessPool;

/** Takes what worker processes print, line by line, with the worker's name. */
public final class WorkerLines {
    private WorkerLines() {}

    public static void main(String[] arguments) throws Exception {
        try (ProcessPool pool = ProcessPool.builder()
                .workers(1)
                .name("printers")
                .onLine((worker, error, line) -> System.out.println(worker + (error ? " err: " : " out: ") + line))
                .open()) {
            pool.submit(() -> System.out.println("hello")).get();
        }
    }
}
