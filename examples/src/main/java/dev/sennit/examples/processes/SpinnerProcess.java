package dev.sennit.examples.processes;

import dev.sennit.process.WorkerOutput;
import dev.sennit.process.WorkerProcess;
import dev.sennit.shared.SharedEvent;
import java.time.Duration;

/**
 * A spinner in a process of its own, which turns until an event that both processes share says that the answer is
 * there.
 */
public final class SpinnerProcess {
    private static final String FRAMES = "\\|/-";

    private SpinnerProcess() {}

    private static void spin(String message, SharedEvent turns, SharedEvent done) throws InterruptedException {
        turns.set();
        String status = "";
        for (int i = 0; !done.await(Duration.ofMillis(100)); i++) {
            status = "\r" + FRAMES.charAt(i % FRAMES.length()) + " " + message;
            System.out.print(status);
            System.out.flush();
        }
        System.out.print("\r" + " ".repeat(status.length()) + "\r");
        System.out.flush();
    }

    private static int slow() throws InterruptedException {
        Thread.sleep(3000);
        return 42;
    }

    public static void main(String[] arguments) throws Exception {
        SharedEvent turns = SharedEvent.create();
        SharedEvent done = SharedEvent.create();
        WorkerProcess spinner = WorkerProcess.builder()
                .name("spinner")
                .heap("32m")
                .output(WorkerOutput.INHERIT)
                .start(() -> spin("thinking!", turns, done));
        System.out.println("spinner: " + spinner);
        turns.await(); // a process takes a moment to start
        int answer = slow();
        done.set();
        spinner.join();
        System.out.println("Answer: " + answer);
    }
}
