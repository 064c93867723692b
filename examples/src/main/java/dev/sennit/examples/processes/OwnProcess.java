package dev.sennit.examples.processes;

import dev.sennit.process.WorkerProcess;

/** A process of one's own: started, waited for, and asked how it ended. */
public final class OwnProcess {
    private OwnProcess() {}

    public static void main(String[] arguments) throws Exception {
        String greeting = "hello";
        WorkerProcess good = WorkerProcess.builder().name("good").heap("64m").start(() -> System.out.println(greeting));
        good.join();
        System.out.println(good.name() + " ended with " + good.exitCode().getAsInt());

        WorkerProcess bad = WorkerProcess.builder()
                .name("bad")
                .onLine((name, error, line) -> {}) // its stack trace
                .start(() -> {
                    throw new IllegalStateException("out of paper");
                });
        bad.join();
        System.out.println(bad.name() + " ended with " + bad.exitCode().getAsInt() + ": "
                + bad.failure().orElseThrow().getMessage());

        WorkerProcess stuck = WorkerProcess.builder().name("stuck").daemon(true).start(() -> {
            while (true) {
                Thread.onSpinWait();
            }
        });
        stuck.kill();
        stuck.join();
        System.out.println(stuck.name() + " ended with " + stuck.exitCode().getAsInt());
    }
}
